/** A canvas that follows its size on the page, the screen's density and the page's colours. */

const DENSITY_MAX = 3;

export class Sheet {
  #canvas;
  #context;
  #colours = null;

  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext('2d');
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { this.#colours = null; });
  }

  /** A clean context in CSS pixels, with its width, its height and the page's colours. */
  begin() {
    const density = Math.min(DENSITY_MAX, devicePixelRatio || 1);
    const width = this.#canvas.clientWidth;
    const height = this.#canvas.clientHeight;
    const pixels = [Math.round(width * density), Math.round(height * density)];
    if (this.#canvas.width !== pixels[0]) this.#canvas.width = pixels[0];
    if (this.#canvas.height !== pixels[1]) this.#canvas.height = pixels[1];
    this.#context.setTransform(density, 0, 0, density, 0, 0);
    this.#context.clearRect(0, 0, width, height);
    return {context: this.#context, width, height, colours: this.#palette()};
  }

  #palette() {
    if (!this.#colours) {
      const style = getComputedStyle(this.#canvas);
      const names = ['ink', 'soft', 'line', 'you', 'bot', 'card'];
      this.#colours = Object.fromEntries(names.map(name => [name, style.getPropertyValue(`--${name}`).trim()]));
    }
    return this.#colours;
  }
}

/** Whether the listener wants little motion; asked anew each time, as it may change. */
export function calm() {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}
