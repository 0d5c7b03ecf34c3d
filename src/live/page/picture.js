// One figure's picture. The new one is fetched and decoded beside the old, which stays until it can be replaced without
// flicker; at most one request is under way, and when many points arrive meanwhile, the last picture is fetched next.

import { setAttribute } from "./element.js";

/// Pictures kept decoded per figure, so that flicking between two edits is immediate.
const KEPT = 4;
/// Hidden pages may put decoding off for ever; the picture has been loaded by then.
const DECODING = 1500;
/// How long after a failure the picture is asked for again, in milliseconds; every time twice as long.
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

    /// Pictures are put into `layer`; `changed` hears of each, and of failures.
    constructor(layer, changed) {
        this.#layer = layer;
        this.#changed = changed;
    }

    /// Wants this picture: `{ url, edit, rev, alt }`.
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

    /// Pictures far from the view are not fetched until they come near.
    setVisible(visible) {
        this.visible = visible;
        if (visible && this.#wanted && this.shown?.url !== this.#wanted.url) this.#load();
    }

    /// Whether it shows what was announced, or cannot.
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
            // Another edit's picture, asked for before, would only flash by.
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
        // Of one edit the last picture is enough.
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
    image.src = url;
    try {
        await Promise.race([image.decode(), new Promise((done) => setTimeout(done, DECODING))]);
        if (image.complete && image.naturalWidth) return image;
        // Still on its way: a large sheet, or a slow line.
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
