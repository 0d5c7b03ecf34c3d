// Where the page's data come from: a program that runs, or the document itself. Nothing else on the page knows which.
//
// A source has
// - `edits`: whether edits come and go, so that they can be listed, compared, paused and started;
// - `palettes`: whether figures can be drawn in other palettes; `formats`: in which forms they can be saved;
// - `follow(log)`, which brings events into the edit log, and `ask(what)`, the page's buttons;
// - `json(address)`, `picture(address)` and `save(link, address, name)`: what lies behind an address, as an object, as an
//   address that an image can show, and for a link that saves it;
// - `about()`: the recipe, for people, or `null`; `weights`: what became of weights that the script writes.

import { Frozen } from "./frozen.js";
import { Live } from "./live.js";

const inside = document.getElementById("page-data");

export const source = inside ? new Frozen(inside) : new Live();
