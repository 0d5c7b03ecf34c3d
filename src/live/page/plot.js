// From a place on a picture to what is there: the heatmap's cell, the nearest point of the nearest curve, a bar, an image.
// Places are in units of the SVG, y downward. A spot is
// `{ query, at: [x, y], box: null | [left, top, right, bottom], lines: [[name, value], …], index }`;
// `index` is the spot's place among its neighbours, for stepping with the keys.

import { float, number } from "./words.js";

/// How near the pointer must come to a curve over a heatmap for its value to be told, in units.
const NEAR = 12;

/// Where a value lies along a scale, from 0 to 1.
function share(scale, value) {
    if (scale.log) return Math.log(value / scale.lo) / Math.log(scale.hi / scale.lo);
    return (value - scale.lo) / (scale.hi - scale.lo);
}

/// What can be pointed at in a figure; its `frame` is where the axes lie, if there are any. `rects` are the places of a sheet's images, in its order.
export function plotOf(figure, frame, rects) {
    const [[kind, content]] = Object.entries(figure.kind);
    if (kind === "images") return new Sheet(content, rects);
    if (!frame) return null;
    const place = {
        x: (value) => frame.left + share(frame.x, value) * (frame.right - frame.left),
        y: (value) => frame.bottom - share(frame.y, value) * (frame.bottom - frame.top),
        holds: (x, y) => x >= frame.left && x <= frame.right && y >= frame.top && y <= frame.bottom,
    };
    if (kind === "heatmap") return new Heatmap(content, frame, place);
    if (kind === "bars") return new Bars(content, frame, place);
    return new Lines(content, frame, place);
}

/// Columns or rows: the distinct values in order, each with its last index among the given ones (the one that is drawn),
/// and the pixels between which it is drawn.
function bands(given, log, pixel) {
    const last = new Map();
    given.map(float).forEach((value, index) => {
        if (Number.isFinite(value) && (!log || value > 0)) last.set(value + 0, index);
    });
    const values = [...last.keys()].sort((a, b) => a - b);
    const way = values.map((v) => (log ? Math.log(v) : v));
    const edges = way.slice(1).map((v, i) => (v + way[i]) / 2);
    const n = way.length;
    const step = (edge, end) => (n > 1 ? Math.abs(edge - end) : log ? 0.3 : 0.5);
    const all = n ? [way[0] - step(edges[0], way[0]), ...edges, way[n - 1] + step(edges[n - 2], way[n - 1])] : [];
    const pixels = all.map((edge) => pixel(log ? Math.exp(edge) : edge));
    return values.map((value, i) => ({ value, index: last.get(value), from: pixels[i], to: pixels[i + 1] }));
}

const within = (list, at) => list.findIndex((b) => at >= Math.min(b.from, b.to) && at <= Math.max(b.from, b.to));
const clamped = (value, length) => Math.min(Math.max(value, 0), length - 1);
const named = (axis, otherwise) => axis.name || otherwise;

class Heatmap {
    constructor(map, frame, place) {
        Object.assign(this, { map, frame, place });
        this.columns = bands(map.xs, map.x.log, place.x);
        this.rows = bands(map.ys, map.y.log, place.y);
    }

    at(x, y) {
        if (!this.place.holds(x, y)) return null;
        const [column, row] = [within(this.columns, x), within(this.rows, y)];
        return column < 0 || row < 0 ? null : this.spot(column, row, [x, y]);
    }

    step(index, dx, dy) {
        const [column, row] = index ?? [-dx, -dy];
        return this.spot(clamped(column + dx, this.columns.length), clamped(row + dy, this.rows.length));
    }

    spot(column, row, pointer) {
        const [c, r] = [this.columns[column], this.rows[row]];
        if (!c || !r) return null;
        const f = this.frame;
        const box = [Math.max(c.from, f.left), Math.max(r.to, f.top), Math.min(c.to, f.right), Math.min(r.from, f.bottom)];
        const cell = this.map.cells[c.index]?.[r.index] ?? null;
        const lines = [
            [named(this.map.x, "x"), number(c.value)],
            [named(this.map.y, "y"), number(r.value)],
            [this.map.value || "value", number(cell)],
        ];
        if (pointer) lines.push(...curvesNear(this.map.lines, this.place, pointer));
        return {
            query: `ix=${c.index}&iy=${r.index}`,
            at: [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2],
            box,
            lines,
            index: [column, row],
        };
    }
}

/// The curves that pass the pointer, with their value above it.
function curvesNear(series, place, [x, y]) {
    return (series ?? []).flatMap((s) => {
        const xs = s.x.map((v) => place.x(float(v)));
        const i = xs.findIndex((px, i) => i > 0 && (xs[i - 1] - x) * (px - x) <= 0 && px !== xs[i - 1]);
        if (i < 1) return [];
        const along = (x - xs[i - 1]) / (xs[i] - xs[i - 1]);
        const [a, b] = [float(s.y[i - 1]), float(s.y[i])];
        const value = a + along * (b - a);
        return Math.abs(place.y(value) - y) <= NEAR ? [[s.label || "curve", number(Number(value.toPrecision(4)))]] : [];
    });
}

class Lines {
    constructor(lines, frame, place) {
        Object.assign(this, { lines, frame, place });
        this.points = lines.series.map((s) => s.x.map((x, i) => [place.x(float(x)), place.y(float(s.y[i]))]));
    }

    at(x, y) {
        if (!this.place.holds(x, y)) return null;
        let [nearest, least] = [null, Infinity];
        this.points.forEach((points, series) => points.forEach(([px, py], i) => {
            const distance = (px - x) ** 2 + (py - y) ** 2;
            if (distance < least) [nearest, least] = [[series, i], distance];
        }));
        return nearest && this.spot(...nearest);
    }

    /// Across: along the curve. Up and down: to the curves before and after it.
    step(index, dx, dy) {
        const [series, i] = index ?? [0, -dx];
        const other = clamped(series - dy, this.points.length);
        return this.points[other]?.length ? this.spot(other, clamped(i + dx, this.points[other].length)) : null;
    }

    spot(series, i) {
        const s = this.lines.series[series];
        const lines = [
            [named(this.lines.x, "x"), number(s.x[i])],
            [named(this.lines.y, "y"), number(s.y[i])],
        ];
        if (s.label) lines.unshift(["", s.label]);
        if (s.band) lines.push(["from", number(s.band.lo[i])], ["to", number(s.band.hi[i])]);
        return { query: `series=${series}&i=${i}`, at: this.points[series][i], box: null, lines, index: [series, i] };
    }
}

class Bars {
    constructor(bars, frame, place) {
        Object.assign(this, { bars, frame, place });
        this.columns = bands(bars.xs, bars.x.log, place.x);
    }

    at(x, y) {
        const column = this.place.holds(x, y) ? within(this.columns, x) : -1;
        return column < 0 ? null : this.spot(column, [x, y]);
    }

    step(index, dx) {
        return this.spot(clamped((index?.[0] ?? -dx) + dx, this.columns.length));
    }

    spot(column, pointer) {
        const c = this.columns[column];
        if (!c) return null;
        const height = this.bars.heights[c.index];
        const lines = [
            [named(this.bars.x, "x"), number(c.value)],
            [named(this.bars.y, "y"), number(height)],
        ];
        if (this.bars.values?.length) lines.push([this.bars.value || "value", number(this.bars.values[c.index])]);
        if (pointer) lines.push(...curvesNear(this.bars.lines, this.place, pointer));
        const [zero, end] = [this.place.y(0), this.place.y(float(height))];
        const tip = Number.isFinite(end) ? end : zero;
        return {
            query: `series=0&i=${c.index}`,
            at: [(c.from + c.to) / 2, tip],
            box: [c.from, Math.min(zero, tip), c.to, Math.max(zero, tip)],
            lines,
            index: [column],
        };
    }
}

class Sheet {
    constructor(sheet, rects) {
        Object.assign(this, { sheet, rects });
    }

    at(x, y) {
        const i = this.rects.findIndex(([left, top, right, bottom]) => x >= left && x <= right && y >= top && y <= bottom);
        return i < 0 ? null : this.spot(i);
    }

    step(index, dx, dy) {
        const columns = this.rects.filter((rect) => rect[1] === this.rects[0][1]).length;
        return this.spot(clamped((index?.[0] ?? 0) + dx - dy * columns, this.rects.length));
    }

    spot(i) {
        const image = this.sheet.images[i];
        if (!image || !this.rects[i]) return null;
        const box = this.rects[i];
        const lines = [["", image.label || `image ${i + 1} of ${this.sheet.images.length}`]];
        lines.push(["pixels", image.shape.slice(-2).join(" × ") + (image.shape.length > 2 && image.shape[0] === 3 ? ", colour" : "")]);
        return { query: `image=${i}`, at: [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2], box, lines, index: [i] };
    }
}

/// Where the images of a sheet lie: read from the drawing itself, which the layout is nowhere else told of.
export function imageRects(svg) {
    // Its font is of no use here, and the page's policy would report the style that brings it.
    const drawing = new DOMParser().parseFromString(svg.replace(/<style>[^]*?<\/style>/g, ""), "image/svg+xml");
    return [...drawing.querySelectorAll("svg > image")].map((image) => {
        const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => Number(image.getAttribute(name)));
        return [x, y, x + width, y + height];
    });
}
