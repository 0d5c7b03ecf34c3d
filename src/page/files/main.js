// The page: connects the edit log, which the source fills, to the parts that show it.

import { Details } from "./details.js";
import { EditBar } from "./editbar.js";
import { EditLog } from "./edits.js";
import { make, setAttribute, setHidden, setText } from "./element.js";
import { Header } from "./header.js";
import { History } from "./history.js";
import { bindKeys, listKeys } from "./keys.js";
import { Near } from "./near.js";
import { recipeHead, recipePanel } from "./recipe.js";
import { Selection } from "./selection.js";
import { source } from "./source.js";
import { Tooltip } from "./tooltip.js";
import { Views } from "./views.js";

const find = (id) => document.getElementById(id);
const root = document.documentElement;
root.classList.toggle("still", !source.edits);

const log = new EditLog();
/// For the console and for benchmarks.
globalThis.entroscope = log;
const selection = new Selection(log);
const said = find("said");
const say = (text) => setText(said, text);

/// What cards need from the page.
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
        return encodeURIComponent(log.program);
    },
};

let full = null;
let views = null;
views = new Views(find("main"), page, log, selection);
const header = new Header(log, say);
const history = new History(find("history").querySelector("ol"), selection);
const editBar = new EditBar(find("editbar"), log, selection, { compare, flick: () => void flick() });

// What changed --------------------------------------------------------------------------------------------------------

/// Shows a change of the selection.
function showSelection() {
    if (views.flicked === selection.edit?.number) views.flick(null);
    views.update();
    editBar.update(views.flicked);
    history.mark();
}

const narrow = matchMedia("(max-width: 760px)");

log.on("forgotten", () => {
    history.forget();
    views.flick(null);
    page.details.close();
    selection.forget();
});
log.on("connection", () => header.update());
log.on("status", () => {
    header.update();
    showSelection();
});
log.on("edit", (edit) => {
    const first = !root.hasAttribute("data-shown");
    history.update(edit);
    // While paused, the band names a noted edit.
    if (edit.number === log.current || edit.state === "noted") header.update();
    if (views.concerns(edit)) {
        views.update();
        editBar.update(views.flicked);
        if (first || edit.number === selection.edit?.number) history.mark();
    }
});
selection.on(showSelection);

// What the reader may do ----------------------------------------------------------------------------------------------

function compare() {
    if (selection.against !== null) return selection.compare(null);
    const former = selection.former ?? [...log.edits.keys()].filter((n) => n !== selection.edit?.number).pop();
    if (former === undefined) return say("There is no other edit to compare with yet.");
    selection.compare(former);
}

/// Shows a former edit's figures in place, or ends that. Returns whether they are shown now.
function flick() {
    views.flick(views.flicked === null ? selection.other : null);
    editBar.update(views.flicked);
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
    // Without a focus, begin at the first card in view.
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
    else if (selection.against !== null) selection.compare(null);
    else if (source.edits) selection.newest();
}

function toggleHistory() {
    showHistory(root.classList.contains("without-history"));
}

const pause = () => void source.ask(log.paused ? "resume" : "pause");
const go = () => (log.newest?.state === "waiting" ? void source.ask("go") : false);
const keys = () => find("keys").showModal();

/// To the recipe below the figures, if there is one.
function recipe() {
    const panel = find("recipe-panel");
    if (!panel) return;
    if (full) toggleFull(null);
    page.details.close();
    panel.scrollIntoView();
    panel.focus({ preventScroll: true });
}

const ofEdits = {
    compare, flick, pause, go,
    unflick: () => views.flicked !== null && flick(),
    stepEdit: (by) => selection.step(by),
    newest: () => selection.newest(),
    history: toggleHistory,
};
const act = {
    ...(source.edits ? ofEdits : { recipe }),
    focusNext, back, keys,
    closer: (by) => focusedFigure()?.closer(by) ?? undefined,
    moveCross: (dx, dy) => (focusedFigure() ? void focusedFigure().move(dx, dy) : false),
    details: () => (focusedFigure() ? void focusedFigure().details() : false),
    full: () => (focusedFigure() ? toggleFull(focusedFigure()) : false),
};
bindKeys(act);
listKeys(find("keys"), act);
find("recipe-button").addEventListener("click", recipe);
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

source.follow(log);
source.about().then((about) => {
    if (!about) return;
    find("main").prepend(recipeHead(about));
    find("main").append(recipePanel(about));
    setHidden(find("recipe-button"), false);
}, (error) => {
    find("main").replaceChildren(make("p", { class: "problem", role: "alert" }, error.message));
    setText(find("state"), "cannot be shown");
    setAttribute(find("state"), "data-state", "broken");
});
