// One figure's picture. A new one is fetched and decoded while the old one stays, so that replacing it does not flicker. At
// most one request is under way; of the pictures announced meanwhile, only the last is fetched.

import { setAttribute } from "./element.js";
import { source } from "./source.js";

/// Pictures kept decoded per figure, so that flicking between two edits is immediate.
const KEPT = 4;
/// Longest wait for decoding, in milliseconds: a hidden page may put it off for ever.
const DECODING = 1500;
/// Wait before the first retry after a failure, in milliseconds; it doubles each time.
const RETRY = 1500;

export class Picture {
    shown = null;
    visible = true;
    error = false;
    #layer;
    #wanted = null;
    #failed = null;
    #busy = false;
    #retry = RETRY;
    #changed;
    #cache = new Map();

    /// Pictures are put into `layer`; `changed` is called for each one, and for failures.
    constructor(layer, changed) {
        this.#layer = layer;
        this.#changed = changed;
    }

    /// Requests this picture: `{ url, edit, rev, alt }`.
    want(wanted) {
        if (this.#wanted?.url === wanted.url) {
            this.#wanted = wanted;
            return;
        }
        this.#wanted = wanted;
        this.#retry = RETRY;
        const kept = this.#cache.get(wanted.url);
        if (kept) this.#swap(kept.image, wanted);
        else if (this.visible) this.#load();
    }

    /// Pictures far from the view are fetched when they come near.
    setVisible(visible) {
        this.visible = visible;
        if (visible && this.#wanted && this.shown?.url !== this.#wanted.url) this.#load();
    }

    /// Whether it shows the requested picture, or has failed to.
    get settled() {
        if (!this.#wanted || !this.visible) return true;
        return this.#wanted.url === this.shown?.url || this.#wanted.url === this.#failed;
    }

    async #load() {
        if (this.#busy) return;
        this.#busy = true;
        while (this.#wanted.url !== this.shown?.url && this.#wanted.url !== this.#failed) {
            const wanted = this.#wanted;
            const image = await loaded(wanted.url);
            // The picture of another edit, requested before, would only flash by.
            if (image && wanted.edit === this.#wanted.edit) this.#swap(image, wanted);
            else if (image) continue;
            else if (wanted === this.#wanted) {
                this.#failed = wanted.url;
                this.error = true;
                this.#changed();
                setTimeout(() => {
                    this.#failed = null;
                    if (this.visible) this.#load();
                }, this.#retry);
                this.#retry *= 2;
            }
        }
        this.#busy = false;
    }

    #swap(image, wanted) {
        setAttribute(image, "alt", wanted.alt);
        image.draggable = false;
        this.#layer.replaceChildren(image);
        // One picture per edit is enough.
        for (const [url, kept] of this.#cache) if (kept.edit === wanted.edit) this.#cache.delete(url);
        this.#cache.set(wanted.url, { image, edit: wanted.edit });
        while (this.#cache.size > KEPT) this.#cache.delete(this.#cache.keys().next().value);
        this.shown = { ...wanted, width: image.naturalWidth, height: image.naturalHeight };
        this.error = false;
        this.#changed();
    }
}

async function loaded(url) {
    const image = new Image();
    try {
        image.src = await source.picture(url);
        await Promise.race([image.decode(), new Promise((done) => setTimeout(done, DECODING))]);
        if (image.complete && image.naturalWidth) return image;
        // Still loading: a large sheet, or a slow connection.
        await new Promise((done, fail) => {
            image.onload = done;
            image.onerror = fail;
            if (image.complete) (image.naturalWidth ? done : fail)();
        });
        return image;
    } catch {
        return null;
    }
}
