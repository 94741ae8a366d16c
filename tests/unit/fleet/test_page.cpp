#include <mad/fleet/page.hpp>
#include <mad/net/shard.hpp>

#include <catch2/catch.hpp>

#include <support/temp_folder.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

using mad::fleet::content_policy;
using mad::fleet::page;
using mad::fleet::parse_origin;
using namespace mad::net;
namespace fs = std::filesystem;

namespace {

struct keeper final : http::exchange_owner {
    void respond(http::response&& r) override { answer = std::move(r); }
    stream take_stream(std::string&) override { return {}; }
    void abandon() override {}
    std::optional<http::response> answer;
};

struct seen {
    int status = 0;
    std::string fields, body;

    std::string field(std::string const& name) const {
        auto const at = ("\r\n" + fields).find("\r\n" + name + ": ");
        if (at == std::string::npos)
            return {};
        auto const from = at + name.size() + 2;
        return fields.substr(from, fields.find("\r\n", from) - from);
    }
};

/// A small built console.
struct site {
    site() {
        fs::create_directory(folder.file("assets"));
        folder.write("index.html", "<!doctype html>plain");
        folder.write("index.html.br", "brotli index");
        folder.write("index.html.gz", "gzip index");
        folder.write("assets/index-BmW8hnoz.js", "let a;");
        folder.write("assets/index-BmW8hnoz.js.br", "br js");
        folder.write("assets/index-BmW8hnoz.js.gz", "gz js");
        folder.write("assets/style-0a1b2c3d.css", "a{}");
        folder.write("assets/logo.svg", "<svg/>");
        folder.write("favicon.ico", "icon");
        folder.write("name-with-many-dashes.txt", "text");
        folder.write("odd.xyz", "odd");
    }

    seen get(std::string const& path, std::vector<http::field> const& fields = {},
             std::string_view method = "GET", bool secure = false) const {
        keeper k;
        http::request r;
        r.method = method;
        r.target = r.path = path;
        r.fields = fields;
        r.secure = secure;
        boost::asio::io_context ctx;
        served->on_request(shard::of(ctx), r, http::exchange(k));
        REQUIRE(k.answer);
        seen s{k.answer->status, k.answer->fields, k.answer->body};
        if (k.answer->shared_body)
            s.body = k.answer->shared_body.payload();
        if (!http::has_body(*k.answer))
            s.body = "(none)";
        return s;
    }

    void serve(std::string_view api_url = "") { served.emplace(folder.file(""), api_url); }

    mad_test::temp_folder folder;
    mutable std::optional<page> served;
};

struct ready_site : site {
    ready_site() { serve(); }
};

} // namespace

TEST_CASE("an API origin is scheme, host and port, nothing more") {
    struct row {
        char const* url;
        char const* http;
        char const* ws;
    };
    auto const good = GENERATE(values<row>({
        {"http://node:3000", "http://node:3000", "ws://node:3000"},
        {"https://node.example", "https://node.example", "wss://node.example"},
        {"http://127.0.0.1:1/", "http://127.0.0.1:1", "ws://127.0.0.1:1"},
        {"http://[::1]:3000", "http://[::1]:3000", "ws://[::1]:3000"},
        {"http://my_node-1:3000", "http://my_node-1:3000", "ws://my_node-1:3000"},
    }));
    CAPTURE(good.url);
    auto const o = parse_origin(good.url);
    REQUIRE(o);
    CHECK(o->http() == good.http);
    CHECK(o->ws() == good.ws);
}

TEST_CASE("what would change the policy is no origin") {
    auto const* const url = GENERATE(
        "", "node:3000", "http://", "http:///", "ftp://node", "HTTP://node", "ws://node",
        "http://node/path", "http://node//", "http://user@node", "http://node?x", "http://node#x",
        "http://node;script-src *", "http://node 'unsafe-inline'", "http://node,x", "http://*",
        "http://*.example", "http://n\r\node", "http://'self'", "javascript://x");
    CAPTURE(url);
    CHECK_FALSE(parse_origin(url));
}

TEST_CASE("the policy allows our own files and the API's two origins") {
    CHECK(content_policy("") ==
          "default-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
          "require-trusted-types-for 'script'");
    CHECK(content_policy("https://node:3000/") ==
          "default-src 'self'; connect-src 'self' https://node:3000 wss://node:3000; "
          "frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'");
    CHECK(content_policy("http://x; script-src *") == content_policy(""));
}

TEST_CASE("the policy names who may frame the page, and nobody else") {
    CHECK(content_policy("", {"https://wall.example/", "http://10.0.0.7:8080"}) ==
          "default-src 'self'; connect-src 'self'; frame-ancestors https://wall.example "
          "http://10.0.0.7:8080; base-uri 'none'; require-trusted-types-for 'script'");
    CHECK(content_policy("", {"https://wall; script-src *", "*", "'self'", ""}) ==
          content_policy(""));
}

TEST_CASE_METHOD(site, "a page that may be framed says so with every answer") {
    served.emplace(folder.file(""), "", std::vector<std::string>{"https://wall.example"});
    auto const* const path = GENERATE("/", "/host/x", "/assets/none.js");
    CHECK(get(path).field("Content-Security-Policy") ==
          content_policy("", {"https://wall.example"}));
}

TEST_CASE_METHOD(ready_site, "files come with their type") {
    struct row {
        char const* path;
        char const* type;
        char const* body;
    };
    auto const r = GENERATE(values<row>({
        {"/", "text/html; charset=utf-8", "<!doctype html>plain"},
        {"/index.html", "text/html; charset=utf-8", "<!doctype html>plain"},
        {"/assets/index-BmW8hnoz.js", "text/javascript; charset=utf-8", "let a;"},
        {"/assets/style-0a1b2c3d.css", "text/css; charset=utf-8", "a{}"},
        {"/assets/logo.svg", "image/svg+xml", "<svg/>"},
        {"/favicon.ico", "image/x-icon", "icon"},
        {"/name-with-many-dashes.txt", "text/plain; charset=utf-8", "text"},
        {"/odd.xyz", "application/octet-stream", "odd"},
    }));
    CAPTURE(r.path);
    auto const a = get(r.path);
    CHECK(a.status == 200);
    CHECK(a.field("Content-Type") == r.type);
    CHECK(a.body == r.body);
    CHECK(a.field("Content-Encoding").empty());
}

TEST_CASE_METHOD(ready_site, "the packed forms are no files of their own") {
    CHECK(served->files() == 7);
    CHECK(get("/assets/index-BmW8hnoz.js.br").status == 404);
    CHECK(get("/index.html.gz").status == 404);
}

TEST_CASE_METHOD(site, "every answer carries the headers that keep the page safe") {
    serve("http://node:3000");
    auto const* const path = GENERATE("/", "/assets/logo.svg", "/host/x", "/assets/none.js");
    CAPTURE(path);
    auto const a = get(path);
    CHECK(a.field("Content-Security-Policy") == content_policy("http://node:3000"));
    CHECK(a.field("X-Content-Type-Options") == "nosniff");
    CHECK(a.field("Referrer-Policy") == "no-referrer");
    CHECK(a.field("Cross-Origin-Opener-Policy") == "same-origin");
    CHECK(a.field("Strict-Transport-Security").empty());
    CHECK(a.field("Server").empty());
}

TEST_CASE_METHOD(ready_site, "strict transport is asked for over TLS only") {
    CHECK(get("/", {}, "GET", true).field("Strict-Transport-Security") == "max-age=31536000");
}

TEST_CASE_METHOD(ready_site, "a packed form goes to who can take it, brotli first") {
    struct row {
        char const* accept;
        char const* encoding;
        char const* body;
    };
    auto const r = GENERATE(values<row>({
        {"", "", "let a;"},
        {"gzip, deflate, br", "br", "br js"},
        {"gzip, deflate", "gzip", "gz js"},
        {"BR", "br", "br js"},
        {"GZIP;q=0.5", "gzip", "gz js"},
        {"br;q=0, gzip", "gzip", "gz js"},
        {"br; q=0", "", "let a;"},
        {"br;q=0.0, gzip;q=0.000", "", "let a;"},
        {"br;q=0.001", "br", "br js"},
        {"identity", "", "let a;"},
        {"deflate,,br", "br", "br js"},
        {"brx, xbr, x-gzip", "", "let a;"},
    }));
    CAPTURE(r.accept);
    auto const a = get("/assets/index-BmW8hnoz.js", {{"accept-encoding", r.accept}});
    CHECK(a.field("Content-Encoding") == r.encoding);
    CHECK(a.body == r.body);
    CHECK(a.field("Content-Type") == "text/javascript; charset=utf-8");
    CHECK(a.field("Vary") == "Accept-Encoding");
}

TEST_CASE_METHOD(ready_site, "a file without packed forms goes plain to everybody") {
    auto const a = get("/assets/logo.svg", {{"Accept-Encoding", "br, gzip"}});
    CHECK(a.field("Content-Encoding").empty());
    CHECK(a.body == "<svg/>");
}

TEST_CASE_METHOD(ready_site, "only names that carry their hash are kept for good") {
    struct row {
        char const* path;
        bool kept;
    };
    auto const r = GENERATE(values<row>({
        {"/assets/index-BmW8hnoz.js", true},
        {"/assets/style-0a1b2c3d.css", true},
        {"/assets/logo.svg", false},
        {"/", false},
        {"/favicon.ico", false},
        {"/name-with-many-dashes.txt", false},
        {"/host/web-042", false},
    }));
    CAPTURE(r.path);
    CHECK(get(r.path).field("Cache-Control") ==
          (r.kept ? "public, max-age=31536000, immutable" : "no-cache"));
}

TEST_CASE_METHOD(ready_site, "who knows the file is told that it is the same") {
    auto const etag = get("/").field("ETag");
    REQUIRE(etag.size() > 10);
    auto const say = [&](std::string const& known) {
        return get("/", {{"If-None-Match", known}}).status;
    };
    auto const bare = etag.substr(etag.find('"'));
    CHECK(say(etag) == 304);
    CHECK(say(bare) == 304);
    CHECK(say("W/" + bare) == 304);
    CHECK(say("\"other\", " + etag) == 304);
    CHECK(say("*") == 304);
    CHECK(say("\"other\"") == 200);
    CHECK(say("") == 200);

    auto const same = get("/", {{"If-None-Match", etag}});
    CHECK(same.body == "(none)");
    CHECK(same.field("ETag") == etag);
    CHECK(same.field("Vary") == "Accept-Encoding");
    CHECK(same.field("Content-Security-Policy") == content_policy(""));
}

TEST_CASE_METHOD(ready_site, "files of other content have other tags, packed forms a weak one") {
    CHECK(get("/").field("ETag") != get("/favicon.ico").field("ETag"));
    CHECK(get("/").field("ETag").starts_with("W/\"")); // the bytes differ by coding
}

TEST_CASE_METHOD(ready_site, "links into the page give the page") {
    auto const* const path = GENERATE("/host/web-042", "/host/a.b.c", "/host/app.js", "/rules",
                                      "/x", "/host/", "/host/%2f", "/a.b/c", "/rules/");
    CAPTURE(path);
    auto const a = get(path);
    CHECK(a.status == 200);
    CHECK(a.field("Content-Type") == "text/html; charset=utf-8");
    CHECK(a.body == "<!doctype html>plain");
}

TEST_CASE_METHOD(ready_site, "a place in the page is shown to who can read a page") {
    struct row {
        char const* accept;
        int status;
    };
    auto const r = GENERATE(values<row>({
        {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", 200},
        {"application/xml, Text/HTML;q=0.1", 200},
        {"*/*", 200},
        {" */* ", 200},
        {"", 200},
        {"image/avif,image/webp,*/*;q=0.8", 404},
        {"text/css,*/*;q=0.1", 404},
        {"application/json", 404},
        {"text/html;q=0, application/json", 404},
        {"text/html-not", 404},
    }));
    auto const* const path = GENERATE("/host/web-1.example", "/rules");
    CAPTURE(r.accept, path);
    CHECK(get(path, {{"Accept", r.accept}}).status == r.status);
    CHECK(get("/", {{"Accept", r.accept}}).status == 200);
    CHECK(get("/assets/logo.svg", {{"Accept", r.accept}}).status == 200);
}

TEST_CASE_METHOD(ready_site, "a place in the page is the same document for caches") {
    auto const etag = get("/").field("ETag");
    auto const deep = get("/host/web-042", {{"Accept-Encoding", "br"}});
    CHECK(deep.field("ETag") == etag);
    CHECK(deep.body == "brotli index");
    CHECK(get("/rules", {{"If-None-Match", etag}}).status == 304);
}

TEST_CASE_METHOD(ready_site, "a file that is not there is not there") {
    auto const* const path = GENERATE("/assets/gone-12345678.js", "/assets/gone", "/robots.txt",
                                      "/x/y.png", "/.env", "/a.b", "/host.js", "/hostx/a.js");
    CAPTURE(path);
    auto const a = get(path);
    CHECK(a.status == 404);
    CHECK(a.field("Content-Type") == "text/plain; charset=utf-8");
    CHECK(a.field("Cache-Control") != "public, max-age=31536000, immutable");
}

TEST_CASE_METHOD(site, "no path leads out of the folder") {
    mad_test::temp_folder outside;
    outside.write("secret.txt", "secret");
    folder.write("assets/..hidden", "dots");
    serve();
    auto const name = fs::path(outside.file("")).parent_path().filename().string();
    std::vector<std::string> const paths{"/../" + name + "/secret.txt",
                                         "/assets/../../" + name + "/secret.txt",
                                         "/%2e%2e/" + name + "/secret.txt",
                                         "/..%2f" + name + "%2fsecret.txt",
                                         "//" + name + "/secret.txt",
                                         "/assets/..\\..\\" + name + "\\secret.txt",
                                         "/../" + name + "/secret.txt" + std::string("\0.html", 6),
                                         "/../../../../../../etc/passwd",
                                         "/etc/passwd",
                                         "//etc/passwd",
                                         "/./../etc/passwd",
                                         "/assets/../../../../../../etc/passwd",
                                         "/%2e%2e/%2e%2e/%2e%2e/etc/passwd"};
    for (auto const& path : paths) {
        CAPTURE(path);
        auto const a = get(path);
        CHECK(a.body.find("secret") == a.body.npos);
        CHECK(a.body.find("root:") == a.body.npos);
        bool const safe = a.status == 404 || a.body == "<!doctype html>plain";
        CHECK(safe);
    }
}

TEST_CASE_METHOD(site, "a linked file has the name of the link, and linked folders are left out") {
    mad_test::temp_folder outside;
    outside.write("secret.txt", "secret");
    fs::create_symlink(outside.file("secret.txt"), folder.file("link.txt"));
    fs::create_directory_symlink(outside.file(""), folder.file("linked"));
    fs::create_symlink("/nowhere", folder.file("broken.txt"));
    serve();
    auto const name = fs::path(outside.file("")).parent_path().filename().string();
    CHECK(get("/link.txt").body == "secret");
    CHECK(get("/../" + name + "/secret.txt").body.find("secret") == std::string::npos);
    CHECK(get("/linked/secret.txt").body.find("secret") == std::string::npos);
    CHECK(get("/broken.txt").status == 404);
}

TEST_CASE_METHOD(site, "the folder may be named with or without a slash, or by a link") {
    auto bare = folder.file("");
    bare.pop_back();
    mad_test::temp_folder other;
    fs::create_directory_symlink(bare, other.file("current"));
    for (auto const& root : {bare, bare + "/", bare + "/./", other.file("current")}) {
        CAPTURE(root);
        served.emplace(root, "");
        CHECK(served->files() == 7);
        CHECK(get("/assets/logo.svg").body == "<svg/>");
    }
}

TEST_CASE_METHOD(ready_site, "methods that change something are refused") {
    auto const* const method = GENERATE("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "get");
    auto const a = get("/", {}, method);
    CAPTURE(method);
    CHECK(a.status == 405);
    CHECK(a.field("Allow") == "GET, HEAD");
    CHECK(get("/", {}, "HEAD").status == 200);
}

TEST_CASE_METHOD(site, "a folder without a page is an error that says so") {
    fs::remove(folder.file("index.html"));
    CHECK_THROWS_WITH(serve(), Catch::Contains("index.html") && Catch::Contains("build"));
    CHECK_THROWS_WITH(page("/nowhere/at/all", ""), Catch::Contains("/nowhere/at/all"));
}

TEST_CASE_METHOD(site, "what changes on disk later changes nothing in memory") {
    serve();
    folder.write("index.html", "changed");
    CHECK(get("/").body == "<!doctype html>plain");
}
