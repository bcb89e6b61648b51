"""browser.py - the home page as people see it: in Chromium, on a phone and a desk, light and dark, with and without
scripts. Screenshots are left in build/system/screenshots for somebody to look at.

SPDX-License-Identifier: ISC"""

import urllib.parse
from contextlib import contextmanager

from harness.browser import Browser, Visit
from harness.report import case, expect, expect_equal
from harness.wire import fetch
from harness.workshop import WORK

PAGES = {"index": "/", "image": "/image", "figures": "/figures", "missing": "/no-such-page"}
SIZES = {"phone": (375, 812), "desk": (1280, 900)}
SCHEMES = ("light", "dark")

LINKS = "Array.from(document.querySelectorAll('a[href]'), a => a.href)"
# What reaches out of the window to the right, unless it scrolls within something that does not.
TOO_WIDE = """(() => {
    const inside = element => { for (let e = element.parentElement; e; e = e.parentElement)
        if (getComputedStyle(e).overflowX !== 'visible' && e !== document.documentElement && e !== document.body) return true;
        return false; };
    return [document.documentElement.scrollWidth, Array.from(document.body.querySelectorAll('*')).filter(e =>
        e.getBoundingClientRect().right > innerWidth + 1 && !inside(e)).map(e => e.tagName + '.' + e.className).slice(0, 5)];
})()"""
TEXT_COLOURS = "getComputedStyle(document.body).color + ' on ' + getComputedStyle(document.body).backgroundColor"


@contextmanager
def visiting(workshop):
    with workshop.started("homepage", "debug", "--access-log=off") as image, Browser() as browser:
        yield browser, f"http://localhost:{image.port}", image


def expect_clean(visit, base, allowed=()):
    complaints = [text for text in visit.complaints() if not any(word in text for word in allowed)]
    expect_equal(complaints, [], f"complaints about {visit.url}")
    outside = [url for url in visit.requested() if not url.startswith((base + "/", "data:"))]
    expect_equal(outside, [], f"requests of {visit.url} that leave the site")


@case("browser/pages")
def every_page_loads_at_every_size(workshop):
    colours = {}
    with visiting(workshop) as (browser, base, _):
        for name, path in PAGES.items():
            missing = name == "missing"
            for size, (width, height) in SIZES.items():
                for scheme in SCHEMES:
                    visit = Visit(browser, base + path, width, height, scheme)
                    expect_clean(visit, base, ("404 (Not Found)",) if missing else ())
                    for url, (status, media_type) in visit.responses().items():
                        wanted = 404 if missing and url == base + path else 200
                        expect_equal(status, wanted, f"the status of {url} ({media_type}) on {path}")
                    wide, elements = visit.evaluate(TOO_WIDE)
                    expect(wide <= width and not elements, f"{path} is {wide} wide in {width}: {elements}")
                    colours[scheme] = visit.evaluate(TEXT_COLOURS)
                    visit.screenshot(WORK / "screenshots" / f"{name}-{size}-{scheme}.png")
                    visit.close()
    expect(colours["light"] != colours["dark"], f"light and dark are the same: {colours}")


@case("browser/links")
def every_link_inside_the_site_resolves(workshop):
    with visiting(workshop) as (browser, base, image):
        seen, todo = {}, [base + path for path in PAGES.values()]
        while todo:
            visit = Visit(browser, todo.pop())
            for link in visit.evaluate(LINKS):
                target, _, fragment = link.partition("#")
                expect(link.startswith(("http:", "https:", "mailto:")), f"{visit.url} has the link {link}")
                if fragment and target == visit.url:
                    there = visit.evaluate(f"document.getElementById({fragment!r}) !== null")
                    expect(there, f"{visit.url} has no #{fragment}")
                if not target.startswith(base + "/") or target in seen or target == visit.url:
                    continue
                path = urllib.parse.urlsplit(target)
                answer = fetch(image.port, path.path + ("?" + path.query if path.query else ""))
                seen[target] = answer.status
                expect(answer.status in (200, 301, 308), f"{target}, linked from {visit.url}: {answer.status}")
            visit.close()
        expect(len(seen) >= 4, f"hardly any links: {seen}")


@case("browser/without-scripts")
def every_page_works_without_scripts(workshop):
    with visiting(workshop) as (browser, base, _):
        for name, path in PAGES.items():
            plain = Visit(browser, base + path, 375, 812, scripts=False)
            expect_clean(plain, base, ("404 (Not Found)",) if name == "missing" else ())
            # Runtime.evaluate works there, too: only the page's own scripts are off.
            text = plain.evaluate("document.body.innerText")
            scripted = Visit(browser, base + path, 375, 812)
            expect(len(text) > 0.8 * len(scripted.evaluate("document.body.innerText")), f"{path} without scripts: {text[:300]!r}")
            expect(plain.evaluate("document.querySelectorAll('h1').length") == 1, f"{path} has not one h1")
            plain.screenshot(WORK / "screenshots" / f"{name}-without-scripts.png")
            plain.close()
            scripted.close()


@case("browser/live")
def figures_follow_what_happens(workshop):
    with visiting(workshop) as (browser, base, image):
        visit = Visit(browser, base + "/figures")
        before = visit.evaluate("document.body.innerText")
        for _ in range(30):
            fetch(image.port, "/")
        changed = visit.evaluate("""new Promise(done => { const before = document.body.innerText, start = Date.now();
            (function look() { if (document.body.innerText !== before || Date.now() - start > 8000)
                done(document.body.innerText !== before); else setTimeout(look, 100); })(); })""")
        expect(changed, f"the figures stay as they were: {before[:400]!r}")
        expect_clean(visit, base)
        visit.close()


@case("browser/semantics")
def pages_are_readable_to_machines(workshop):
    with visiting(workshop) as (browser, base, _):
        for path in PAGES.values():
            visit = Visit(browser, base + path)
            for what, expression in (
                    ("a language", "document.documentElement.lang.length > 0"),
                    ("a title", "document.title.length > 3"),
                    ("a viewport", "document.querySelector('meta[name=viewport]') !== null"),
                    ("one main", "document.querySelectorAll('main').length === 1"),
                    ("no image without a text", "!document.querySelector('img:not([alt])')"),
                    ("no heading that skips a level", """Array.from(document.querySelectorAll('h1,h2,h3,h4,h5,h6'),
                        h => +h.tagName[1]).every((level, i, all) => i === 0 ? level === 1 : level <= all[i - 1] + 1)"""),
                    ("no id twice", """(ids => ids.length === new Set(ids).size)(
                        Array.from(document.querySelectorAll('[id]'), e => e.id))"""),
                    ("labelled inputs", "!document.querySelector('input:not([aria-label]):not([id]),button:empty')")):
                expect(visit.evaluate(expression), f"{path} has not {what}")
            visit.close()


@case("browser/tests-site")
def the_tests_own_site_loads_too(workshop):
    with workshop.started("site", "clang") as image, Browser() as browser:
        base = f"http://localhost:{image.port}"
        for path in ("/", "/folder/", "/stream/1000", "/error/418"):
            visit = Visit(browser, base + path)
            expect_clean(visit, base, ("418", "favicon.ico", "404 (Not Found)"))
            expect(visit.evaluate("document.body.innerText.length") > 5, f"{path} shows nothing")
            visit.close()
