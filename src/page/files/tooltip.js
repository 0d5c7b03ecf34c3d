// The box beside the pointer that names the value under it.

import { make, setHidden } from "./element.js";

const GAP = 14;

export class Tooltip {
    #box;
    #owner = null;
    #text = "";

    constructor(box) {
        this.#box = box;
    }

    /// Shows lines of `[name, text]` beside a point of the window.
    show(owner, lines, [x, y]) {
        this.#owner = owner;
        const text = JSON.stringify(lines);
        if (text !== this.#text) {
            this.#text = text;
            this.#box.replaceChildren(...lines.map(([name, value]) =>
                make("div", {}, ...(name ? [make("span", {}, name), " ", make("b", {}, value)] : [make("em", {}, value)]))));
        }
        setHidden(this.#box, false);
        const { offsetWidth: width, offsetHeight: height } = this.#box;
        const left = x + GAP + width > innerWidth ? x - GAP - width : x + GAP;
        const top = y + GAP + height > innerHeight ? y - GAP - height : y + GAP;
        this.#box.style.transform = `translate(${Math.max(0, Math.round(left))}px, ${Math.max(0, Math.round(top))}px)`;
    }

    hide(owner) {
        if (this.#owner !== owner) return;
        this.#owner = null;
        setHidden(this.#box, true);
    }
}
