/* live.js - refreshes figures while somebody looks at them. Without it every page works, and is as
 * fresh as when it was asked for.
 *
 * An element with data-live="SELECTOR" holds what /figures has under that selector.
 *
 * SPDX-License-Identifier: ISC */
"use strict";

const PERIOD_MS = 2000;
const places = Array.from(document.querySelectorAll("[data-live]"));
let paused = false;

async function refresh() {
    const response = await fetch("/figures", { cache: "no-store" });
    if (!response.ok) return;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const place of places) {
        const found = fresh.querySelector(place.dataset.live);
        if (found) place.replaceChildren(document.importNode(found, true));
    }
}

function follow() {
    const due = !paused && !document.hidden;
    const done = () => setTimeout(follow, PERIOD_MS);
    (due ? refresh() : Promise.resolve()).then(done, done);
}

/* What moves by itself can be stopped (WCAG 2.2.2). */
function addPause(before) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Pause";
    button.addEventListener("click", () => {
        paused = !paused;
        button.textContent = paused ? "Go on" : "Pause";
    });
    before.after(button);
}

if (places.length > 0) {
    addPause(places[0]);
    follow();
}
