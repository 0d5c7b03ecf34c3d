// The program that serves the page: its events, what lies behind its addresses, and the page's three requests.

import { setAttribute } from "./element.js";

/// Wait before the next attempt after a refused connection, in milliseconds. The browser itself mends a broken one.
const RETRY = 1000;

export class Live {
    edits = true;
    palettes = true;
    formats = ["svg", "png", "pdf", "csv"];
    weights = "Written into the run folder.";

    follow(log) {
        const events = new EventSource("events");
        events.addEventListener("open", () => log.setConnected(true));
        events.addEventListener("status", (event) => log.setStatus(JSON.parse(event.data)));
        events.addEventListener("edit", (event) => log.setEdit(JSON.parse(event.data)));
        events.addEventListener("error", () => {
            log.setConnected(false);
            if (events.readyState === EventSource.CLOSED) setTimeout(() => this.follow(log), RETRY);
        });
        addEventListener("pagehide", () => events.close());
        // A page restored from the browser's cache has lost its stream.
        addEventListener("pageshow", (event) => event.persisted && this.follow(log));
    }

    /// Sends `pause`, `resume` or `go`. The effect arrives as an event.
    async ask(what) {
        try {
            await fetch(what, { method: "POST", headers: { "x-entroscope": "page" } });
        } catch { /* the header says that the connection is down */ }
    }

    async json(address) {
        const answer = await fetch(address);
        if (!answer.ok) throw new Error(await answer.text());
        return answer.json();
    }

    async picture(address) {
        return address;
    }

    save(link, address, name) {
        setAttribute(link, "href", address);
        setAttribute(link, "download", name);
    }

    async about() {
        return null;
    }
}
