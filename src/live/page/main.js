// The live page: joins the board, which hears from the server, to what shows it.

import { Board } from "./board.js";
import { Details } from "./details.js";
import { setAttribute, setText } from "./element.js";
import { Header } from "./header.js";
import { History } from "./history.js";
import { bindKeys, listKeys } from "./keys.js";
import { Looked } from "./looked.js";
import { Looking } from "./looking.js";
import { Near } from "./near.js";
import { ask, follow } from "./stream.js";
import { Tooltip } from "./tooltip.js";
import { Views } from "./views.js";

const find = (id) => document.getElementById(id);
const root = document.documentElement;

const board = new Board();
/// For whoever opens the console, and for measuring.
globalThis.entroscope = board;
const looking = new Looking(board);
const said = find("said");
const say = (text) => setText(said, text);

/// What cards need of the page.
const page = {
    near: new Near(),
    tooltip: new Tooltip(find("tooltip")),
    details: new Details(find("details")),
    say,
    settled: () => views?.settled(),
    toggleFull,
    /// A card that leaves the page must not leave it waiting in its whole-window view.
    gone: (card) => card === full && toggleFull(null),
    get program() {
        return encodeURIComponent(board.program);
    },
};

let full = null;
let views = null;
views = new Views(find("main"), page, board, looking);
const header = new Header(board, say);
const history = new History(find("history").querySelector("ol"), looking);
const looked = new Looked(find("looked"), board, looking, { compare, flick: () => void flick() });

// What changed --------------------------------------------------------------------------------------------------------

/// The header's and the view's share of a change of what is looked at.
function look() {
    if (views.flicked === looking.edit?.number) views.flick(null);
    views.update();
    looked.update(views.flicked);
    history.mark();
}

const narrow = matchMedia("(max-width: 760px)");

board.on("forgotten", () => {
    history.forget();
    views.flick(null);
    page.details.close();
    looking.forget();
});
board.on("connection", () => header.update());
board.on("board", () => {
    header.update();
    look();
});
board.on("edit", (edit) => {
    const first = !root.hasAttribute("data-shown");
    history.update(edit);
    // While paused a noted edit is told in the band.
    if (edit.number === board.current || edit.state === "noted") header.update();
    if (views.concerns(edit)) {
        views.update();
        looked.update(views.flicked);
        if (first || edit.number === looking.edit?.number) history.mark();
    }
});
looking.on(look);

// What the reader may do ----------------------------------------------------------------------------------------------

function compare() {
    if (looking.against !== null) return looking.compare(null);
    const former = looking.former ?? [...board.edits.keys()].filter((n) => n !== looking.edit?.number).pop();
    if (former === undefined) return say("There is no other edit to compare with yet.");
    looking.compare(former);
}

/// Shows a former edit's figures in place, or ends that. Returns whether they show now.
function flick() {
    views.flick(views.flicked === null ? looking.other : null);
    looked.update(views.flicked);
    return views.flicked !== null;
}

function toggleFull(card) {
    const was = full;
    if (was) {
        was.element.classList.remove("full");
        root.classList.remove("with-full");
        setAttribute(was.full, "aria-pressed", null);
        full = null;
    }
    if (card && card !== was) {
        full = card;
        card.element.classList.add("full");
        root.classList.add("with-full");
        setAttribute(card.full, "aria-pressed", "true");
        card.element.focus({ preventScroll: true });
    }
    (card ?? was)?.zoom.reset();
    if (was && !full) was.element.scrollIntoView({ block: "nearest" });
}

const cardAt = (element) => views.cards().find((card) => card.element === element?.closest?.(".card"));
const focused = () => cardAt(document.activeElement);
const focusedFigure = () => {
    const card = full ?? focused() ?? views.cards().find((card) => card.zoom && card.element.matches(":hover"));
    return card?.zoom ? card : null;
};

function focusNext(by) {
    // In the history, up and down go through it.
    const row = document.activeElement?.closest?.("#history li");
    if (row) {
        const next = by > 0 ? row.nextElementSibling : row.previousElementSibling;
        next?.firstElementChild.focus();
        return;
    }
    const whole = full;
    const cards = views.cards().filter((card) => !whole || card.zoom);
    const top = find("top").offsetHeight;
    const now = cards.indexOf(whole ?? focused());
    // Without a focus, begin at what is seen.
    const seen = cards.findIndex((card) => card.element.getBoundingClientRect().bottom > top + 60);
    const next = cards[now >= 0 ? now + by : Math.max(seen, 0)];
    if (!next) return;
    if (whole) return toggleFull(next);
    next.element.focus({ preventScroll: true });
    next.element.scrollIntoView({ block: next.element.offsetHeight > innerHeight - top ? "start" : "nearest" });
}

function back() {
    if (page.details.isOpen) page.details.close();
    else if (full) toggleFull(null);
    else if (focusedFigure()?.zoom.scale > 1) focusedFigure().closer(0);
    else if (views.flicked !== null) flick();
    else if (looking.against !== null) looking.compare(null);
    else looking.newest();
}

function toggleHistory() {
    showHistory(root.classList.contains("without-history"));
}

const pause = () => void ask(board.paused ? "resume" : "pause");
const go = () => (board.newest?.state === "waiting" ? void ask("go") : false);
const keys = () => find("keys").showModal();

bindKeys({
    focusNext, back, compare, flick, pause, go, keys,
    unflick: () => views.flicked !== null && flick(),
    stepEdit: (by) => looking.step(by),
    newest: () => looking.newest(),
    closer: (by) => focusedFigure()?.closer(by) ?? undefined,
    moveCross: (dx, dy) => (focusedFigure() ? void focusedFigure().move(dx, dy) : false),
    details: () => (focusedFigure() ? void focusedFigure().details() : false),
    full: () => (focusedFigure() ? toggleFull(focusedFigure()) : false),
    history: toggleHistory,
});
listKeys(find("keys"));
find("pause").addEventListener("click", pause);
find("paused-band").lastElementChild.addEventListener("click", pause);
find("waiting-band").lastElementChild.addEventListener("click", go);
find("keys-button").addEventListener("click", keys);
find("history-switch").addEventListener("click", toggleHistory);

// In a narrow window the history lies over the figures: out of the way until asked for, and again when an edit is chosen.
function showHistory(shown) {
    root.classList.toggle("without-history", !shown);
    setAttribute(find("history-switch"), "aria-expanded", shown);
}
if (narrow.matches) showHistory(false);
narrow.addEventListener("change", () => showHistory(!narrow.matches));
find("history").addEventListener("click", (event) => narrow.matches && event.target.closest("button") && showHistory(false));
// What sticks under the header needs its height, which its bands change.
new ResizeObserver(([entry]) => root.style.setProperty("--top", `${entry.target.offsetHeight}px`)).observe(find("top"));

follow(board);
