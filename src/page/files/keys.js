// The keyboard: what each key does, and the list of them behind `?`.

import { make } from "./element.js";

/// A key held longer than this acts while it is held; a shorter press toggles, in milliseconds.
const HELD = 250;

const LIST = [
    ["Figures", [
        ["j k ↓ ↑", "the next or the one before"],
        ["Enter", "in the whole window; Escape comes back"],
        ["+ −", "larger, smaller; ctrl and the wheel, or draw a rectangle; double click for the whole"],
        ["Shift with arrows", "move the cross in a figure"],
        ["Space", "details of the point under the cross; or click"],
    ]],
    ["Edits", [
        ["← →", "an older or newer edit"],
        ["0 Escape", "back to the newest"],
        ["c", "beside a former edit"],
        ["f", "hold for a former edit's figures in the same place; press to switch"],
        ["h", "show or hide the history"],
    ]],
    ["Work", [
        ["p", "pause, resume: edits made meanwhile are noted"],
        ["g", "run the edit that waits"],
    ]],
    ["Recipe", [["r", "the script, its parameters, how to rerun it"]]],
    ["?", [["?", "this list"]]],
];

/// Lists the keys of which `act` has what they do.
export function listKeys(dialog, act) {
    const of = { Edits: act.stepEdit, Work: act.go, Recipe: act.recipe };
    const list = LIST.filter(([title]) => !(title in of) || of[title]);
    dialog.append(make("h2", { id: "keys-title" }, "Keys"),
        ...list.flatMap(([title, keys]) => [
            title === "?" ? null : make("h3", {}, title),
            make("dl", {}, keys.map(([key, what]) => make("div", {},
                make("dt", {}, key.split(" ").map((part) => (part.length < 7 && part !== "with" && part !== "arrows" ? make("kbd", {}, part) : ` ${part} `))),
                make("dd", {}, what)))),
        ].filter(Boolean)),
        make("form", { method: "dialog" }, make("button", { class: "strong" }, "Close")));
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
}

/// Binds the keys to the functions of `act`. A key whose function it lacks does nothing.
export function bindKeys(act) {
    let pressed = 0;
    const does = (name, ...what) => (act[name] ? act[name](...what) : false);
    const plain = {
        j: () => act.focusNext(1),
        k: () => act.focusNext(-1),
        ArrowDown: () => act.focusNext(1),
        ArrowUp: () => act.focusNext(-1),
        ArrowLeft: () => does("stepEdit", -1),
        ArrowRight: () => does("stepEdit", 1),
        "+": () => act.closer(1),
        "=": () => act.closer(1),
        "-": () => act.closer(-1),
        "−": () => act.closer(-1),
        0: () => does("newest"),
        Escape: () => act.back(),
        Enter: () => act.full(),
        " ": () => act.details(),
        p: () => does("pause"),
        g: () => does("go"),
        c: () => does("compare"),
        h: () => does("history"),
        r: () => does("recipe"),
        "?": () => act.keys(),
    };
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

    addEventListener("keydown", (event) => {
        if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
        const typing = event.target.closest?.("input, select, textarea, dialog");
        if (typing) {
            if (event.key === "Escape" && event.target.matches("select")) event.target.blur();
            return;
        }
        // Enter and space belong to the focused button or link.
        if ((event.key === "Enter" || event.key === " ") && event.target.closest?.("button, a, summary")) return;
        // Elements that scroll keep their arrow keys.
        if (/^(Arrow| )/.test(event.key) && !event.shiftKey && event.target.closest?.(".scroll, pre, #details")) return;
        if (event.key === "f") {
            if (event.repeat) return;
            pressed = does("flick") ? performance.now() : 0;
            event.preventDefault();
            return;
        }
        const action = event.shiftKey && arrows[event.key] ? () => act.moveCross(...arrows[event.key]) : plain[event.key];
        if (action && action() !== false) event.preventDefault();
    });
    addEventListener("keyup", (event) => {
        if (event.key === "f" && pressed && performance.now() - pressed > HELD) does("unflick");
    });
}
