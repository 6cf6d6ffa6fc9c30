/** The keys M and ?, where nothing else wants them. */
export function bindKeys(root, isOn, {mute, help}) {
  root.addEventListener('keydown', event => {
    if (!isOn() || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (root.querySelector('dialog[open]')) return;
    const action = {m: mute, M: mute, '?': help}[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
