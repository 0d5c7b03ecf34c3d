// Zoom of a picture, by ctrl and the wheel, by buttons, or by drawing a rectangle; dragging moves an enlarged picture. The
// picture is an SVG, so it stays sharp.

const MOST = 40;
/// A drag shorter than this is a click, in pixels.
const SLACK = 4;
/// A drawn rectangle smaller than this is ignored, in pixels.
const SMALLEST = 16;

export class Zoom {
    scale = 1;
    dragging = false;
    #x = 0;
    #y = 0;
    #width = 0;
    #paper;
    #layer;
    #changed;

    /// `layer` moves within `paper`; `clicked` is called for clicks that are not drags, `changed` for every movement.
    constructor(paper, layer, { changed, clicked }) {
        this.#paper = paper;
        this.#layer = layer;
        this.#changed = changed;
        new ResizeObserver(() => this.#resized()).observe(paper);
        paper.addEventListener("wheel", (event) => {
            if (!event.ctrlKey && !event.metaKey) return;
            event.preventDefault();
            const box = paper.getBoundingClientRect();
            this.by(Math.exp(-event.deltaY / 300), event.clientX - box.left, event.clientY - box.top);
        }, { passive: false });
        paper.addEventListener("dblclick", () => this.reset());
        paper.addEventListener("pointerdown", (event) => event.button === 0 && this.#drag(event, clicked));
    }

    /// Enlarges by a factor about a point of the paper, by default its centre.
    by(factor, x = this.#paper.clientWidth / 2, y = this.#paper.clientHeight / 2) {
        const scale = Math.min(Math.max(this.scale * factor, 1), MOST);
        this.#to(scale, x - (x - this.#x) * scale / this.scale, y - (y - this.#y) * scale / this.scale);
    }

    reset() {
        this.#to(1, 0, 0);
    }

    /// Keeps the same part of the picture in view when the paper is resized.
    #resized() {
        const width = this.#paper.clientWidth;
        const by = this.#width ? width / this.#width : 1;
        this.#width = width;
        // A hidden paper has no size.
        if (width && by !== 1) this.#to(this.scale, this.#x * by, this.#y * by);
    }

    #to(scale, x, y) {
        const [width, height] = [this.#paper.clientWidth, this.#paper.clientHeight];
        this.scale = scale;
        this.#x = Math.min(0, Math.max(x, width * (1 - scale)));
        this.#y = Math.min(0, Math.max(y, height * (1 - scale)));
        this.#layer.style.transform = scale === 1 ? "" : `translate(${this.#x}px, ${this.#y}px) scale(${scale})`;
        this.#paper.classList.toggle("enlarged", scale > 1);
        this.#changed();
    }

    #drag(down, clicked) {
        const paper = this.#paper;
        const box = paper.getBoundingClientRect();
        const [x, y] = [this.#x, this.#y];
        const moves = this.scale > 1 && !down.shiftKey;
        const frame = document.createElement("div");
        frame.className = "drawn";
        const ends = (event) => [
            Math.min(down.clientX, event.clientX) - box.left, Math.min(down.clientY, event.clientY) - box.top,
            Math.abs(event.clientX - down.clientX), Math.abs(event.clientY - down.clientY),
        ];
        const move = (event) => {
            if (!this.dragging) {
                if (Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) < SLACK) return;
                // Touch scrolls the page; use the buttons to zoom there.
                if (down.pointerType === "touch" && !moves) return;
                this.dragging = true;
                paper.setPointerCapture(down.pointerId);
                if (!moves) paper.append(frame);
            }
            if (moves) this.#to(this.scale, x + event.clientX - down.clientX, y + event.clientY - down.clientY);
            else ["left", "top", "width", "height"].forEach((side, i) => { frame.style[side] = `${ends(event)[i]}px`; });
            this.#changed();
        };
        const up = (event) => {
            paper.removeEventListener("pointermove", move);
            paper.removeEventListener("pointerup", up);
            paper.removeEventListener("pointercancel", up);
            frame.remove();
            if (!this.dragging) {
                if (event.type === "pointerup") clicked(event);
                return;
            }
            this.dragging = false;
            const [left, top, width, height] = ends(event);
            if (!moves && event.type === "pointerup" && Math.max(width, height) > SMALLEST) {
                const factor = Math.min(box.width / Math.max(width, 1), box.height / Math.max(height, 1));
                const scale = Math.min(this.scale * factor, MOST);
                const [cx, cy] = [left + width / 2, top + height / 2];
                const grown = scale / this.scale;
                this.#to(scale, box.width / 2 - (cx - this.#x) * grown, box.height / 2 - (cy - this.#y) * grown);
            }
        };
        paper.addEventListener("pointermove", move);
        paper.addEventListener("pointerup", up);
        paper.addEventListener("pointercancel", up);
    }
}
