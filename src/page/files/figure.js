// A figure's card: its picture, the value under the pointer, zoom, and links that save it.

import { Card, saveLink } from "./card.js";
import { make, setAttribute, setHidden, setText } from "./element.js";
import { Picture } from "./picture.js";
import { Regions } from "./regions.js";
import { source as data } from "./source.js";
import { Zoom } from "./zoom.js";

/// The usual shape of a figure, until its picture has arrived.
const ASPECT = 800 / 560;
/// A click on an enlarged figure waits this long for a second click, which shows the whole figure, in milliseconds.
const DOUBLE = 250;
const ZOOM_STEP = 1.5;

export class FigureCard extends Card {
    #regions = new Regions();
    #pointer = null;
    #spot = null;
    #click = 0;
    #clickedAt = -Infinity;
    #flick = null;
    #pinned = null;

    /// `page` has the tooltip, the details, the program's name and `settled()`.
    constructor(page) {
        super("figure");
        this.page = page;
        this.layer = make("div", { class: "layer" });
        this.cross = make("div", { class: "cross", hidden: true }, make("i"), make("i"), make("b"));
        this.empty = make("p", { class: "empty" }, "Not drawn yet.");
        this.paper = make("div", { class: "paper" }, this.layer, this.empty, this.cross);
        this.paper.style.setProperty("--aspect", ASPECT);
        this.element.append(this.paper);
        this.picture = new Picture(this.layer, () => this.#pictured());
        this.zoom = new Zoom(this.paper, this.layer, {
            changed: () => this.#point(),
            clicked: (event) => this.#clicked(event),
        });
        this.#makeActions();
        this.paper.addEventListener("pointermove", (event) => {
            this.#pointer = [event.clientX, event.clientY];
            this.#point();
        });
        this.paper.addEventListener("pointerleave", () => this.#leave());
        this.element.addEventListener("blur", () => this.#leave());
        page.near.observe(this.element, (near) => {
            this.picture.setVisible(near);
            page.settled();
        });
    }

    #makeActions() {
        const button = (text, label, act) =>
            make("button", { type: "button", class: "small", "aria-label": label, title: label, onclick: act }, text);
        this.palette = make("select", { class: "small", "aria-label": "Palette", title: "Palette", hidden: true },
            make("option", { value: "" }, "palette"));
        this.palette.addEventListener("change", () => this.update(this.item, this.index, this.source, this.edit));
        this.links = data.formats.map((kind) => saveLink(kind.toUpperCase(), `Save as ${kind.toUpperCase()}`));
        this.full = button("⤢", "Whole window (Enter)", () => this.page.toggleFull(this));
        this.actions.append(
            button("−", "Smaller (−)", () => this.closer(-1)),
            button("+", "Larger (+)", () => this.closer(1)),
            this.full,
            this.palette,
            ...this.links,
        );
    }

    update(item, index, source, edit) {
        if (this.source && this.source.number !== source.number) this.#regions.forget();
        super.update(item, index, source, edit);
        this.edit = edit;
        const palettes = data.palettes ? item.palettes ?? [] : [];
        setHidden(this.palette, !palettes.length);
        if (palettes.length && this.palette.options.length === 1) {
            this.palette.append(...palettes.flatMap((name) => [
                make("option", { value: name }, name),
                make("option", { value: `${name}&reversed=true` }, `${name}, reversed`),
            ]));
        }
        // The same numbers in other colours: nothing is computed again.
        const palette = palettes.length && this.palette.value ? `&palette=${this.palette.value}` : "";
        const url = this.url(".svg", `?rev=${item.rev}&of=${this.page.program}${palette}`);
        // If the figure cannot be drawn, the message says why; another edit's picture in its place would mislead.
        setHidden(this.paper, Boolean(item.error));
        if (!item.error) this.#want(url, item, source);
        const stem = (item.name || "figure").replace(/\.[^.]*$/, "");
        data.formats.forEach((kind, i) => {
            data.save(this.links[i], this.url(`.${kind}`, palette.replace("&", "?")), `${stem}.${kind}`);
        });
    }

    #want(url, item, source) {
        this.own = { url, edit: source.number, rev: item.rev, alt: `${item.title || item.name}: ${item.drawing}` };
        if (!this.#flick) this.picture.want(this.own);
    }

    flick(other) {
        this.#flick = other;
        const { number, item, index } = other ?? {};
        setHidden(this.flicked, !other);
        setText(this.flicked, !other ? "" : item ? `edit ${number}` : `not in edit ${number}`);
        this.element.classList.toggle("absent", Boolean(other && !item));
        if (other && item) {
            const url = `edits/${number}/items/${index}.svg?rev=${item.rev}&of=${this.page.program}`;
            this.picture.want({ url, edit: number, rev: item.rev, alt: `Edit ${number}: ${item.title || item.name}` });
        } else if (this.own) this.picture.want(this.own);
        this.#leave();
    }

    get settled() {
        return this.paper.hidden || this.picture.settled;
    }

    #pictured() {
        const { shown, error } = this.picture;
        setText(this.empty, error ? "The picture could not be fetched; trying again." : "Not drawn yet.");
        setHidden(this.empty, Boolean(shown));
        if (shown) {
            setAttribute(this.element, "data-rev", shown.rev);
            setAttribute(this.element, "data-edit", shown.edit);
            if (shown.width && shown.height) {
                this.paper.style.setProperty("--aspect", shown.width / shown.height);
                this.paper.style.setProperty("--natural", `${shown.width}px`);
                // A tall sheet of images is scrolled; anything else should fit the window.
                this.paper.classList.toggle("tall", shown.height > shown.width);
            }
        }
        this.#point();
        this.page.settled();
    }

    /// The width of the picture in units of the SVG, which may be given in millimetres.
    get #width() {
        return this.#regions.plot?.width ?? this.picture.shown.width;
    }

    /// The pointer's position in units of the SVG.
    #unit([clientX, clientY]) {
        const box = this.layer.getBoundingClientRect();
        const scale = this.#width / box.width;
        return [(clientX - box.left) * scale, (clientY - box.top) * scale];
    }

    async #fresh() {
        if (this.#flick) return;
        if (await this.#regions.refresh(this.own.url.replace(".svg?", ".json?"))) this.#point();
    }

    #point() {
        if (!this.#pointer || !this.picture.shown || this.zoom.dragging || this.#flick) return this.#show(null);
        void this.#fresh();
        this.#show(this.#regions.plot?.at(...this.#unit(this.#pointer)) ?? null);
    }

    #leave() {
        this.#pointer = null;
        this.#show(null);
    }

    /// Keeps the cross at the spot whose details are open; `null` releases it.
    pin(spot) {
        this.#pinned = spot;
        this.#point();
    }

    #show(spot) {
        this.#spot = spot;
        const crossed = spot ?? this.#pinned;
        const drawn = crossed?.at && this.picture.shown && !this.#flick;
        setHidden(this.cross, !drawn);
        if (drawn) this.#cross(crossed);
        if (!spot) return this.page.tooltip.hide(this);
        const place = this.#pointer ?? this.#window(spot.at ?? [0, 0]);
        this.page.tooltip.show(this, spot.lines, place);
    }

    /// The position in the window of a position in the picture.
    #window([x, y]) {
        const layer = this.layer.getBoundingClientRect();
        const scale = layer.width / this.#width;
        return [layer.left + x * scale, layer.top + y * scale];
    }

    #cross(spot) {
        const paper = this.paper.getBoundingClientRect();
        const layer = this.layer.getBoundingClientRect();
        const scale = layer.width / this.#width;
        const x = (unit) => unit * scale + layer.left - paper.left - this.paper.clientLeft;
        const y = (unit) => unit * scale + layer.top - paper.top - this.paper.clientTop;
        const [down, across, box] = this.cross.children;
        const frame = this.#regions.plot?.frame(spot);
        setHidden(down, !frame);
        setHidden(across, !frame);
        if (frame) {
            const [left, top, right, bottom] = [x(frame.left), y(frame.top), x(frame.right), y(frame.bottom)];
            Object.assign(down.style, { left: `${x(spot.at[0])}px`, top: `${top}px`, height: `${bottom - top}px` });
            Object.assign(across.style, { top: `${y(spot.at[1])}px`, left: `${left}px`, width: `${right - left}px` });
        }
        const radius = 5;
        const [left, top, right, bottom] = spot.box
            ? [x(spot.box.left), y(spot.box.top), x(spot.box.right), y(spot.box.bottom)]
            : [x(spot.at[0]) - radius, y(spot.at[1]) - radius, x(spot.at[0]) + radius, y(spot.at[1]) + radius];
        box.classList.toggle("dot", !spot.box);
        Object.assign(box.style, { left: `${left}px`, top: `${top}px`, width: `${right - left}px`, height: `${bottom - top}px` });
    }

    #clicked(event) {
        clearTimeout(this.#click);
        const second = event.timeStamp - this.#clickedAt < DOUBLE;
        this.#clickedAt = event.timeStamp;
        if (second) return;
        this.#pointer = [event.clientX, event.clientY];
        if (this.zoom.scale === 1) return this.details();
        this.#click = setTimeout(() => this.details(), DOUBLE);
    }

    /// Opens the details of the value under the pointer or the cross.
    async details() {
        if (!this.picture.shown || this.#flick) return;
        if (!this.#regions.plot) await this.#fresh();
        const spot = this.#pointer ? this.#regions.plot?.at(...this.#unit(this.#pointer)) : this.#spot;
        if (spot) this.page.details.open(this, spot);
    }

    /// Moves the cross with the keys.
    async move(dx, dy) {
        if (!this.picture.shown || this.#flick) return;
        if (!this.#regions.plot) await this.#fresh();
        const spot = this.#regions.plot?.step(this.#spot, dx, dy);
        this.#pointer = null;
        if (!spot) return;
        this.#show(spot);
        this.page.say(spot.lines.map((line) => line.filter(Boolean).join(" ")).join(", "));
    }

    closer(by) {
        if (by === 0) this.zoom.reset();
        else this.zoom.by(by > 0 ? ZOOM_STEP : 1 / ZOOM_STEP);
    }

    closed() {
        this.#leave();
        this.page.gone(this);
        this.page.near.unobserve(this.element);
        super.closed();
    }
}
