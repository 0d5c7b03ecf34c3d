// Brings the server's events into the edit log, and sends the page's three requests.

/// Wait before the next attempt after a refused connection, in milliseconds. The browser itself mends a broken one.
const RETRY = 1000;

export function follow(log) {
    const events = new EventSource("events");
    events.addEventListener("open", () => log.setConnected(true));
    events.addEventListener("status", (event) => log.setStatus(JSON.parse(event.data)));
    events.addEventListener("edit", (event) => log.setEdit(JSON.parse(event.data)));
    events.addEventListener("error", () => {
        log.setConnected(false);
        if (events.readyState === EventSource.CLOSED) setTimeout(() => follow(log), RETRY);
    });
    addEventListener("pagehide", () => events.close());
    // A page restored from the browser's cache has lost its stream.
    addEventListener("pageshow", (event) => event.persisted && follow(log));
}

/// Sends `pause`, `resume` or `go`. The effect arrives as an event.
export async function ask(what) {
    try {
        await fetch(what, { method: "POST", headers: { "x-entroscope": "page" } });
    } catch { /* the header says that the connection is down */ }
}
