/** Make an element whose every text is text: nothing of what a bot or a user says is markup. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === 'class') made.className = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** Text for screen readers only. */
export function unseen(text) {
  return element('span', {class: 'unseen'}, text);
}
