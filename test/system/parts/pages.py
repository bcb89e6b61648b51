"""pages.py - files served as a site: what nginx's users expect of static pages.

SPDX-License-Identifier: ISC"""

import email.utils
import gzip

from harness.curl import curl
from harness.report import expect, expect_equal, expect_in
from harness.site import page, site_case
from harness.wire import Wire, fetch

FILES = {
    "/index.html": ("index.html", "text/html; charset=utf-8"),
    "/": ("index.html", "text/html; charset=utf-8"),
    "/folder/": ("folder/index.html", "text/html; charset=utf-8"),
    "/style.css": ("style.css", "text/css; charset=utf-8"),
    "/big.txt": ("big.txt", "text/plain; charset=utf-8"),
    "/data.bin": ("data.bin", "application/octet-stream"),
    "/empty.txt": ("empty.txt", "text/plain; charset=utf-8"),
    "/%73tyle.css": ("style.css", "text/css; charset=utf-8"),
    "/folder/../style.css": ("style.css", "text/css; charset=utf-8"),
}


@site_case("pages/files", host=True)
def files_come_as_they_are(image):
    for target, (name, media_type) in FILES.items():
        answer = curl(image, target, "--path-as-is")
        expect_equal(answer.status, 200, target)
        expect_equal(answer.body, page(name), f"the body of {target}")
        expect_equal(answer.field("content-type"), media_type, f"the type of {target}")
        expect_equal(answer.field("content-length"), str(len(page(name))), f"the length of {target}")
        date = email.utils.parsedate_to_datetime(answer.field("date"))
        expect(abs(date.timestamp() - email.utils.localtime().timestamp()) < 5, f"Date: {answer.field('date')}")


@site_case("pages/head", host=True)
def head_tells_the_same_without_a_body(image):
    for target in FILES:
        with Wire(image.port) as wire:
            wire.ask(target, method="HEAD")
            head = wire.answer("HEAD")
            wire.ask(target)
            whole = wire.answer()
        expect_equal(head.body, b"", f"the body of HEAD {target}")
        without_date = [[field for field in one.fields if field[0] != "date"] for one in (head, whole)]
        expect_equal(without_date[0], without_date[1], f"the fields of HEAD {target}")


@site_case("pages/redirect", host=True)
def a_folder_is_redirected_to_its_slash(image):
    answer = curl(image, "/folder?a=b")
    expect_equal(answer.status, 301, "/folder")
    expect_equal(answer.field("location"), "/folder/?a=b", "Location")
    answer = curl(image, "/folder", "--location")
    expect_equal((answer.status, answer.before), (200, [301]), "/folder, followed")
    expect_equal(answer.body, page("folder/index.html"), "what the redirect leads to")


@site_case("pages/not-found", host=True)
def what_is_not_there_gets_the_sites_own_page(image):
    for target in ("/nothing", "/folder/nothing.html", "/style.css/", "/style.css/more"):
        answer = curl(image, target)
        expect_equal(answer.status, 404, target)
        expect_equal(answer.body, page("404.html"), f"the body of {target}")


@site_case("pages/out-of-bounds", host=True)
def nothing_outside_the_site_is_reached(image):
    refused = ("/../site.c", "/folder/../../site.c", "/%2e%2e/site.c", "/folder%2f..%2f..%2fsite.c", "/a%00b", "/%zz", "/%2")
    for target in refused:
        expect_equal(fetch(image.port, target).status, 400, target)
    for target in ("/..%5csite.c", "//etc/passwd", "/.htaccess", "/folder//index.html"):
        expect_equal(fetch(image.port, target).status, 404, target)


@site_case("pages/methods", host=True)
def other_methods_are_told_what_is_allowed(image):
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = curl(image, "/style.css", "--request", method)
        expect_equal(answer.status, 405, method)
        allowed = sorted(word.strip() for word in answer.field("allow").split(","))
        expect_equal(set(allowed) - {"OPTIONS"}, {"GET", "HEAD"}, "Allow")
    expect_equal(curl(image, "/style.css", "--request", "BREW").status, 501, "a method nobody knows")


# ---- validators ----

@site_case("pages/validators", host=True)
def a_page_that_is_known_is_not_sent_again(image):
    for target in ("/style.css", "/", "/data.bin"):
        first = curl(image, target)
        tag, modified = first.field("etag"), first.field("last-modified")
        expect(tag and modified, f"{target} has no validators: {first.fields}")
        for condition in (f"If-None-Match: {tag}", f'If-None-Match: "other", W/{tag.removeprefix("W/")}',
                          "If-None-Match: *", f"If-Modified-Since: {modified}"):
            answer = curl(image, target, "--header", condition)
            expect_equal((answer.status, answer.body), (304, b""), f"{target} with {condition}")
            expect_equal(answer.field("etag"), tag, "the ETag of a 304")
        for condition in ('If-None-Match: "other"', "If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT",
                          f'If-None-Match: "other"\r\nIf-Modified-Since: {modified}', "If-Modified-Since: yesterday"):
            answer = fetch(image.port, target, fields=condition)
            expect_equal((answer.status, answer.body), (200, first.body), f"{target} with {condition}")


@site_case("pages/preconditions", host=True)
def a_precondition_that_fails_is_412(image):
    first = curl(image, "/style.css")
    tag, modified = first.field("etag"), first.field("last-modified")
    for condition, status in ((f"If-Match: {tag}", 200), ("If-Match: *", 200), ('If-Match: "other"', 412),
                              (f"If-Unmodified-Since: {modified}", 200),
                              ("If-Unmodified-Since: Sat, 01 Jan 2000 00:00:00 GMT", 412)):
        expect_equal(curl(image, "/style.css", "--header", condition).status, status, condition)


# ---- ranges ----

@site_case("pages/range", host=True)
def one_range(image):
    whole = page("data.bin")
    size = len(whole)
    for wanted, part in (("0-0", whole[:1]), ("0-99", whole[:100]), ("100-", whole[100:]), ("-10", whole[-10:]),
                         (f"{size - 1}-", whole[-1:]), (f"10-{size * 2}", whole[10:]), (f"-{size * 2}", whole)):
        answer = curl(image, "/data.bin", "--range", wanted)
        expect_equal((answer.status, answer.body), (206, part), f"Range: {wanted}")
        start = size - len(part) if wanted.startswith("-") else int(wanted.split("-")[0])
        expect_equal(answer.field("content-range"), f"bytes {start}-{start + len(part) - 1}/{size}", "Content-Range")


@site_case("pages/range-outside", host=True)
def a_range_that_is_not_there(image):
    size = len(page("data.bin"))
    for wanted in (f"{size}-", f"{size}-{size + 5}", "-0"):
        answer = curl(image, "/data.bin", "--range", wanted)
        expect_equal(answer.status, 416, f"Range: {wanted}")
        expect_equal(answer.field("content-range"), f"bytes */{size}", "Content-Range")
    for ignored in ("bytes=5-3", "bytes=a-b", "lines=1-2", "bytes=", "0-5"):
        answer = fetch(image.port, "/data.bin", fields=f"Range: {ignored}")
        expect_equal((answer.status, len(answer.body)), (200, size), f"Range: {ignored}")


@site_case("pages/ranges", host=True)
def several_ranges(image):
    whole = page("data.bin")
    answer = curl(image, "/data.bin", "--range", "0-9,1000-1099,-5")
    expect_equal(answer.status, 206, "three ranges")
    kind, _, boundary = answer.field("content-type").partition("; boundary=")
    expect_equal(kind, "multipart/byteranges", "Content-Type")
    parts = answer.body.split(b"\r\n--" + boundary.strip('"').encode())
    if answer.body.startswith(b"--"):
        parts = (b"\r\n" + answer.body).split(b"\r\n--" + boundary.strip('"').encode())
    expect_equal(parts[0], b"", "what stands before the first part")
    expect(parts[-1].startswith(b"--"), f"the end of the parts: {parts[-1]!r}")
    size = len(whole)
    for part, (first, last) in zip(parts[1:-1], ((0, 9), (1000, 1099), (size - 5, size - 1)), strict=True):
        head, _, body = part.partition(b"\r\n\r\n")
        expect_in(f"content-range: bytes {first}-{last}/{size}", head.decode().lower(), "the head of a part")
        expect_equal(body, whole[first:last + 1], f"part {first}-{last}")


@site_case("pages/ranges-greedy", host=True)
def many_overlapping_ranges_cost_no_more_than_the_page(image):
    size = len(page("data.bin"))
    answer = fetch(image.port, "/data.bin", fields="Range: bytes=" + ",".join(["0-"] * 100))
    expect_equal(answer.status, 200, "a hundred times the whole page")
    expect_equal(len(answer.body), size, "its body")


@site_case("pages/if-range", host=True)
def if_range(image):
    first = curl(image, "/data.bin")
    for condition, status in ((first.field("etag"), 206), ('"other"', 200), (first.field("last-modified"), 206),
                              ("Sat, 01 Jan 2000 00:00:00 GMT", 200), ("W/" + first.field("etag"), 200)):
        answer = curl(image, "/data.bin", "--range", "5-9", "--header", f"If-Range: {condition}")
        expect_equal(answer.status, status, f"If-Range: {condition}")
        expect_equal(answer.body, page("data.bin")[5:10] if status == 206 else page("data.bin"), "its body")


# ---- codings ----

@site_case("pages/codings")
def what_is_worth_it_comes_compressed(image):
    whole = page("big.txt")
    plain = curl(image, "/big.txt")
    answer = curl(image, "/big.txt", "--header", "Accept-Encoding: gzip")
    expect_equal(answer.field("content-encoding"), "gzip", "Content-Encoding")
    expect_equal(gzip.decompress(answer.body), whole, "what gzip gives")
    expect(len(answer.body) < len(whole) / 4, f"{len(answer.body)} bytes compressed")
    expect(answer.field("etag") != plain.field("etag"), "two codings with one ETag")
    for one in (answer, plain):
        expect_in("accept-encoding", (one.field("vary") or "").lower(), "Vary")
    brotli = curl(image, "/big.txt", "--header", "Accept-Encoding: br")
    expect_equal(brotli.field("content-encoding"), "br", "Content-Encoding")
    decoded = curl(image, "/big.txt", "--compressed", "--header", "Accept-Encoding: br")
    expect_equal(decoded.body, whole, "what brotli gives")
    again = curl(image, "/big.txt", "--header", "Accept-Encoding: gzip", "--header",
                 f"If-None-Match: {answer.field('etag')}")
    expect_equal(again.status, 304, "the compressed page, known")


@site_case("pages/negotiation")
def codings_are_negotiated_by_weight(image):
    for accepted, coding in (("gzip, br", "br"), ("br;q=0.5, gzip;q=1.0", "gzip"), ("*", "br"), ("identity", None),
                             ("gzip;q=0", None), ("br;q=0, *", "gzip"), ("deflate", None), ("", None),
                             ("x-gzip", "gzip"), ("GZIP", "gzip"), ("gzip;q=0.001, identity;q=0.5", None)):
        answer = fetch(image.port, "/big.txt", fields=f"Accept-Encoding: {accepted}")
        expect_equal((answer.status, answer.field("content-encoding")), (200, coding), f"Accept-Encoding: {accepted}")
    answer = fetch(image.port, "/data.bin", fields="Accept-Encoding: gzip, br")
    expect_equal(answer.field("content-encoding"), None, "what does not shrink")
    expect_equal(answer.body, page("data.bin"), "its body")


@site_case("pages/range-of-coding")
def a_range_of_a_compressed_page_is_one_of_its_bytes(image):
    whole = curl(image, "/big.txt", "--header", "Accept-Encoding: gzip").body
    answer = curl(image, "/big.txt", "--header", "Accept-Encoding: gzip", "--range", "10-29")
    expect_equal(answer.status, 206, "a range of the compressed page")
    if answer.field("content-encoding") == "gzip":
        expect_equal(answer.body, whole[10:30], "its bytes")
    else:
        expect_equal(answer.body, page("big.txt")[10:30], "its bytes")
