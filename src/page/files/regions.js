// A figure's regions, fetched when somebody first points at it, since they can be megabytes. While points arrive, older
// regions serve until newer ones are there.

import { Plot } from "./plot.js";
import { source } from "./source.js";

/// Shortest time between two requests while a figure grows, in milliseconds.
const PAUSE = 1000;

export class Regions {
    plot = null;
    #url = "";
    #busy = false;
    #fetched = -Infinity;

    /// Fetches the regions at this address if they are not there. Resolves to whether `plot` is new.
    async refresh(url) {
        if (this.#url === url || this.#busy || performance.now() - this.#fetched < PAUSE) return false;
        this.#busy = true;
        try {
            this.plot = new Plot(await source.json(url));
            this.#url = url;
            return true;
        } catch {
            return false;                   // the next movement tries again
        } finally {
            this.#fetched = performance.now();
            this.#busy = false;
        }
    }

    /// Another edit has other regions.
    forget() {
        this.plot = null;
        this.#url = "";
        this.#fetched = -Infinity;
    }
}
