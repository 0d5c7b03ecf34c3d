// What the server has sent: the watch's status and every edit; and whether the connection stands. Notifies listeners of
// changes.

export class EditLog {
    script = "";
    /// What the recipe is called; empty for a script that is worked on.
    title = "";
    program = "";
    version = "";
    paused = false;
    askAbove = null;
    current = null;
    connected = false;
    edits = new Map();
    #listeners = { status: [], edit: [], connection: [], forgotten: [] };

    on(event, listener) {
        this.#listeners[event].push(listener);
    }

    #notify(event, what) {
        for (const listener of this.#listeners[event]) listener(what);
    }

    get newest() {
        return this.edits.get(this.current) ?? null;
    }

    /// The edit whose items are shown for this one: itself, or the last good one.
    sourceOf(edit) {
        let source = edit;
        // That one may itself have been replaced before it showed anything.
        for (let next; (next = this.edits.get(source.figures_of)) && next.number < source.number;) source = next;
        return source;
    }

    setStatus({ script, title = "", program, version, paused, ask_above, current }) {
        // Another version brings another page.
        if (this.version && this.version !== version) return location.reload();
        if (this.program && this.program !== program) {
            // A new start of the program counts its edits from 1 again.
            this.edits.clear();
            this.current = null;
            this.program = program;
            this.#notify("forgotten");
        }
        Object.assign(this, { script, title, program, version, paused, askAbove: ask_above, current });
        this.#notify("status");
    }

    setEdit(edit) {
        this.edits.set(edit.number, edit);
        // The edit may arrive before the status that makes it the current one.
        if (edit.number > (this.current ?? 0) && edit.state !== "noted") {
            this.current = edit.number;
            this.#notify("status");
        }
        this.#notify("edit", edit);
    }

    setConnected(connected) {
        if (this.connected === connected) return;
        this.connected = connected;
        this.#notify("connection");
    }

    /// An edit noted while paused, newer than the current one.
    get noted() {
        let noted = null;
        for (const edit of this.edits.values()) {
            if (edit.state === "noted" && edit.number >= (noted?.number ?? this.current ?? 0)) noted = edit;
        }
        return noted;
    }
}
