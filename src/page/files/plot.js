// From a place on a picture to the value that is drawn there. The server sends a drawn figure's regions: parts, each with a
// shape (a grid, points, or boxes) and the quantities behind it as text. Places are in units of the SVG, y downward.
//
// A spot is `{ part, place, query, at, box, lines, value }`: its part, its place among the part's drawn ones, the query that
// names it to the server, its point, its rectangle if it has one, the tooltip's lines as `[name, text]`, and
// `value: { line, exact, status }`, the line that holds its value, where it has one.

/// How near the pointer must come to a curve drawn over something else for its value to be shown, in units.
const NEAR = 12;

const clamped = (value, length) => Math.min(Math.max(value, 0), length - 1);
const within = (edges, at) => edges.slice(1).findIndex((edge, i) => (edges[i] - at) * (edge - at) <= 0);
const holds = (box, x, y) => x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
const middle = (box) => [(box.left + box.right) / 2, (box.top + box.bottom) / 2];

/// Cells between edges; a place is a drawn column and row.
class Grid {
    start = [0, 0];

    constructor(shape) {
        Object.assign(this, shape);
    }

    find(x, y) {
        const [column, row] = [within(this.across, x), within(this.upward, y)];
        return column < 0 || row < 0 ? null : { place: [column, row], distance: 0 };
    }

    step([column, row], dx, dy) {
        return [clamped(column + dx, this.columns.length), clamped(row + dy, this.rows.length)];
    }

    index([column, row]) {
        return { i: this.columns[column], j: this.rows[row] };
    }

    box([column, row]) {
        const { across, upward } = this;
        return { left: across[column], top: upward[row + 1], right: across[column + 1], bottom: upward[row] };
    }

    get size() {
        return this.columns.length * this.rows.length;
    }
}

/// A curve's points, or dots; a place is the point's number.
class Points {
    start = 0;

    constructor({ points }) {
        this.points = points;
    }

    find(x, y) {
        let nearest = null;
        this.points.forEach((point, place) => {
            const distance = point ? (point[0] - x) ** 2 + (point[1] - y) ** 2 : Infinity;
            if (distance < (nearest?.distance ?? Infinity)) nearest = { place, distance };
        });
        return nearest;
    }

    step(place, dx) {
        return clamped(place + dx, this.points.length);
    }

    index(place) {
        return { i: place, j: 0 };
    }

    box() {
        return null;
    }

    point(place) {
        return this.points[place];
    }

    get size() {
        return this.points.length;
    }
}

/// Bars or pictures; a place is the box's number.
class Boxes {
    start = 0;

    constructor(shape) {
        Object.assign(this, shape);
    }

    find(x, y) {
        const place = this.reach.findIndex((box) => box && holds(box, x, y));
        return place < 0 ? null : { place, distance: 0 };
    }

    step(place, dx, dy) {
        const down = this.columns < this.drawn.length ? dy * this.columns : 0;
        return clamped(place + dx - down, this.drawn.length);
    }

    index(place) {
        return { i: place, j: 0 };
    }

    box(place) {
        return this.drawn[place];
    }

    get size() {
        return this.drawn.length;
    }
}

const SHAPES = { grid: Grid, points: Points, boxes: Boxes };

/// What can be pointed at in one panel of a figure.
class Panel {
    constructor(frame, parts) {
        this.frame = frame;
        const areas = parts.filter((part) => !(part.shape instanceof Points));
        // Over cells and bars, curves are named beside what they pass over.
        this.targets = areas.length ? areas : parts;
        this.curves = areas.length ? parts.filter((part) => part.shape instanceof Points) : [];
    }

    /// What is drawn at a place, or nearest to it.
    at(x, y) {
        let nearest = null;
        for (const part of this.targets) {
            const found = part.shape.find(x, y);
            if (found && found.distance < (nearest?.distance ?? Infinity)) nearest = { part, ...found };
        }
        if (!nearest) return null;
        const spot = spotOf(nearest.part, nearest.place);
        spot.lines.push(...this.curves.flatMap((part) => passing(part, x, y)));
        return spot;
    }
}

/// What can be pointed at in a figure.
export class Plot {
    #panels;

    constructor({ width, frames, parts }) {
        this.width = width;
        const all = parts.map((part, number) => ({ ...part, number, shape: new SHAPES[part.shape.kind](part.shape) }));
        // A sheet of pictures has no frame.
        this.#panels = (frames.length ? frames : [null])
            .map((frame, panel) => new Panel(frame, all.filter((part) => part.panel === panel)));
    }

    /// What is drawn at a place, or nearest to it in the panel that is there.
    at(x, y) {
        return this.#panels.find(({ frame }) => !frame || holds(frame, x, y))?.at(x, y) ?? null;
    }

    /// Where the axes of a spot lie.
    frame(spot) {
        return this.#panels.find(({ targets }) => targets.some((part) => part.number === spot.part))?.frame ?? null;
    }

    /// The spot beside this one; from none, the first. Beyond the last curve or the last value of a panel lies the next panel.
    step(spot, dx, dy) {
        const panels = this.#panels.map(({ targets }) => targets.filter((part) => part.shape.size)).filter((targets) => targets.length);
        if (!panels.length) return null;
        const panel = panels.findIndex((targets) => targets.some((part) => part.number === spot?.part));
        if (panel < 0) return spotOf(panels[0][0], panels[0][0].shape.start);
        const targets = panels[panel];
        const from = targets.findIndex((part) => part.number === spot.part);
        // Up and down leads from curve to curve.
        const part = targets[from].shape instanceof Points ? targets[clamped(from - dy, targets.length)] : targets[from];
        const place = part.shape.step(spot.place, dx, dy);
        const stays = part.number === spot.part && String(place) === String(spot.place);
        const next = panels[clamped(panel + (dx || -dy), panels.length)];
        return stays && next !== targets ? spotOf(next[0], next[0].shape.start) : spotOf(part, place);
    }
}

function spotOf(part, place) {
    const { shape, quantities, rows, number } = part;
    const { i, j } = shape.index(place);
    const index = { part: 0, i, j, cell: i * rows + j };
    const box = shape.box(place);
    const value = part.value === null ? undefined : quantities[part.value].values[index[quantities[part.value].by]];
    return {
        part: number,
        place,
        query: `part=${number}&i=${i}&j=${j}`,
        at: box ? middle(box) : shape.point?.(place) ?? null,
        box,
        lines: quantities.map(({ name, by, texts }) => [name, texts[index[by]]]),
        value: value === undefined ? null : { line: part.value, exact: value, status: statusOf(value) },
    };
}

function statusOf(value) {
    if (value === null) return "missing";
    return value === "failed" || value === "diverged" ? value : "ok";
}

/// The line of a curve that passes a place, with its value above it.
function passing({ shape: { points }, quantities, value }, x, y) {
    const ends = points.findIndex((end, i) => i > 0 && end && points[i - 1] && (points[i - 1][0] - x) * (end[0] - x) <= 0 && end[0] !== points[i - 1][0]);
    if (ends < 1) return [];
    const [from, to] = [points[ends - 1], points[ends]];
    const along = (x - from[0]) / (to[0] - from[0]);
    const [a, b] = [quantities[value].values[ends - 1], quantities[value].values[ends]];
    if (typeof a !== "number" || typeof b !== "number" || Math.abs(from[1] + along * (to[1] - from[1]) - y) > NEAR) return [];
    const between = Number((a + along * (b - a)).toPrecision(4));
    return [[quantities[0].texts[0], String(between).replaceAll("-", "−")]];
}
