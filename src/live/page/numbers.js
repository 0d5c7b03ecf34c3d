// The numbers behind one figure, fetched when somebody first points at it, for they can be megabytes. While points
// arrive, older numbers serve until newer ones are there.

import { imageRects, plotOf } from "./plot.js";

/// While a figure grows its numbers are fetched again at most this often, in milliseconds.
const PAUSE = 1000;

export class Numbers {
    plot = null;
    #of = "";
    #busy = false;
    #fetched = -Infinity;

    /// Makes `plot` hold the numbers of this picture soon. Returns whether something newer has come.
    async refresh({ data, url, drawing }) {
        if (this.#of === data || this.#busy || performance.now() - this.#fetched < PAUSE) return false;
        this.#busy = true;
        try {
            const { figure, frame } = await (await fetch(data)).json();
            const rects = drawing === "images" ? imageRects(await (await fetch(url)).text()) : null;
            this.plot = plotOf(figure, frame, rects);
            this.#of = data;
            return true;
        } catch {
            return false;                   // the next movement tries again
        } finally {
            this.#fetched = performance.now();
            this.#busy = false;
        }
    }

    /// Another edit's numbers are none of this one's.
    forget() {
        this.plot = null;
        this.#of = "";
        this.#fetched = -Infinity;
    }
}
