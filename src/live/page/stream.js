// The server's events, into the board; and the three things that the page may ask for.

/// How long after a refused connection the next is tried; a broken one the browser mends by itself.
const RETRY = 1000;

export function follow(board) {
    const events = new EventSource("events");
    events.addEventListener("open", () => board.setConnected(true));
    events.addEventListener("board", (event) => board.setBoard(JSON.parse(event.data)));
    events.addEventListener("edit", (event) => board.setEdit(JSON.parse(event.data)));
    events.addEventListener("error", () => {
        board.setConnected(false);
        if (events.readyState === EventSource.CLOSED) setTimeout(() => follow(board), RETRY);
    });
    addEventListener("pagehide", () => events.close());
    // Brought back from the browser's memory of pages, the stream is gone.
    addEventListener("pageshow", (event) => event.persisted && follow(board));
}

/// `pause`, `resume` or `go`. What it changed comes as an event; a failure shows as the connection's.
export async function ask(what) {
    try {
        await fetch(what, { method: "POST", headers: { "x-entroscope": "page" } });
    } catch { /* the header says that the connection is down */ }
}
