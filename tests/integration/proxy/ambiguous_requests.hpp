#ifndef MAD_TESTS_INTEGRATION_PROXY_AMBIGUOUS_REQUESTS_HPP
#define MAD_TESTS_INTEGRATION_PROXY_AMBIGUOUS_REQUESTS_HPP

#include <cstddef>
#include <cstdio>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace mad_test {

/// Makes connections full of requests that readers are known to disagree about. All of it follows
/// from the seed: std::mt19937 is the same everywhere, and nothing else is asked.
class ambiguous_requests {
  public:
    explicit ambiguous_requests(std::uint32_t seed)
        : random_(seed) {}

    /// Everything that connection `id` sends. Each target has `/id/` in it; the last request, if it
    /// is understood as one, ends the connection.
    std::string next(std::size_t id) {
        id_ = "/" + std::to_string(id) + "/";
        count_ = 0;
        std::string out;
        if (one_in(4))
            out += plain();
        switch (below(8)) {
        case 0:
            out += by_length();
            break;
        case 1:
        case 2:
            out += by_coding();
            break;
        case 3:
            out += by_chunks();
            break;
        case 4:
            out += by_line();
            break;
        case 5:
            out += by_host();
            break;
        case 6:
            out += by_field();
            break;
        default:
            out += pipelined();
            break;
        }
        if (one_in(3))
            mutate(out);
        if (one_in(2))
            out += hidden();
        return out + request("GET", "HTTP/1.1", "Host: a\r\nConnection: close\r\n");
    }

  private:
    using texts = std::vector<std::string>;

    std::size_t below(std::size_t n) { return random_() % n; }
    bool one_in(std::size_t n) { return below(n) == 0; }
    std::string const& any(texts const& of) { return of[below(of.size())]; }

    std::string target() {
        static texts const begins{"/c", "/c", "/api/v1", "/socket.io/?EIO=4&transport=polling&c="};
        return any(begins) + id_ + std::to_string(count_++);
    }

    std::string request(std::string const& method, std::string const& version,
                        std::string const& fields, std::string const& body = {}) {
        return method + " " + target() + " " + version + "\r\n" + fields + "\r\n" + body;
    }

    std::string plain() {
        return one_in(2) ? request("GET", "HTTP/1.1", "Host: a\r\n")
                         : request("POST", "HTTP/1.1", "Host: a\r\nContent-Length: 2\r\n", "ok");
    }

    /// What is to be smuggled: a whole request, which an honest reader sees as one, or as a body.
    std::string hidden() { return request("GET", "HTTP/1.1", "Host: a\r\nX-Hidden: yes\r\n"); }

    std::string post(std::string const& fields, std::string const& body) {
        auto const host = one_in(8) ? fields + "Host: a\r\n" : "Host: a\r\n" + fields;
        return request("POST", one_in(12) ? "HTTP/1.0" : "HTTP/1.1", host, body);
    }

    static std::string chunk(std::string const& data) {
        char size[20];
        std::snprintf(size, sizeof size, "%zx\r\n", data.size());
        return size + data + "\r\n";
    }

    std::string length_field(std::size_t n) {
        auto const s = std::to_string(n);
        texts const forms{"Content-Length: " + s,
                          "Content-Length:" + s,
                          "content-length:\t" + s + " ",
                          "Content-Length: 0" + s,
                          "Content-Length: +" + s,
                          "Content-Length: -" + s,
                          "Content-Length: " + s + ", " + s,
                          "Content-Length: " + s + " " + s,
                          "Content-Length: 0x" + s,
                          "Content-Length: " + s + "_0",
                          "Content-Length: " + s + ";",
                          "Content-Length: " + s + ".0",
                          "Content-Length: " + s + "e0",
                          "Content-Length: \"" + s + "\"",
                          "Content-Length:",
                          "Content-Length : " + s,
                          "Content-Length\t: " + s,
                          " Content-Length: " + s,
                          "Content-Length: " + s + "\r\nContent-Length: " + s,
                          "Content-Length: " + s + "\r\nContent-Length: 0",
                          "Content-Length: 0\r\nContent-Length: " + s,
                          "Content-Length:\r\n " + s,
                          "Content-Length: 1\r\n " + s,
                          "Content_Length: " + s,
                          "X: y\nContent-Length: " + s,
                          "X: y\rContent-Length: " + s,
                          "Content-Length: 18446744073709551616",
                          "Content-Length: 18446744073709551615",
                          "Content-Length: 4294967296",
                          "Content-Length: \xd9\xa5",
                          std::string("Content-Length\0: ", 17) + s,
                          std::string("Content-Length: \0", 17) + s,
                          "Connection: Content-Length\r\nContent-Length: " + s};
        return any(forms) + "\r\n";
    }

    std::string coding_field() {
        static texts const forms{"Transfer-Encoding: chunked",
                                 "transfer-encoding:CHUNKED ",
                                 "Transfer-Encoding:\tchunked",
                                 "Transfer-Encoding: xchunked",
                                 "Transfer-Encoding: chunkedx",
                                 "Transfer-Encoding: chunked, identity",
                                 "Transfer-Encoding: identity, chunked",
                                 "Transfer-Encoding: gzip, chunked",
                                 "Transfer-Encoding: chunked, chunked",
                                 "Transfer-Encoding: chunked,",
                                 "Transfer-Encoding: ,chunked",
                                 "Transfer-Encoding: identity",
                                 "Transfer-Encoding: gzip",
                                 "Transfer-Encoding:",
                                 "Transfer-Encoding: chunked;q=1",
                                 "Transfer-Encoding: \"chunked\"",
                                 "Transfer-Encoding: 'chunked'",
                                 "Transfer-Encoding:\x0b chunked",
                                 "Transfer-Encoding:\x0c chunked",
                                 "Transfer-Encoding: chunked\x0b",
                                 "Transfer-Encoding: \xc2\xa0 chunked",
                                 "Transfer-Encoding : chunked",
                                 "Transfer-Encoding\t: chunked",
                                 " Transfer-Encoding: chunked",
                                 "\tTransfer-Encoding: chunked",
                                 "Transfer-Encoding:\r\n chunked",
                                 "Transfer-Encoding: chu\r\n nked",
                                 "Transfer-Encoding: x\r\n chunked",
                                 "X: y\r\n\tTransfer-Encoding: chunked",
                                 "Transfer_Encoding: chunked",
                                 "Transfer-Encoding\xff: chunked",
                                 "X: y\nTransfer-Encoding: chunked",
                                 "X: y\rTransfer-Encoding: chunked",
                                 "Transfer-Encoding: chunked\nX: y",
                                 "Transfer-Encoding: chunked\rX: y",
                                 "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                                 "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
                                 "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
                                 "Transfer-Encoding;: chunked",
                                 "TE: chunked",
                                 "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked",
                                 std::string("Transfer-Encoding\0: chunked", 27),
                                 std::string("Transfer-Encoding: chunked\0", 27)};
        return any(forms) + "\r\n";
    }

    std::string by_length() {
        auto const body = one_in(2) ? hidden() : std::string("a=1&b=2");
        std::size_t const n = one_in(3) ? body.size() / 2 : body.size() + (one_in(4) ? 3 : 0);
        return post(length_field(n), body);
    }

    std::string by_coding() {
        auto const inside = hidden();
        texts const bodies{"0\r\n\r\n", "0\r\n\r\n" + hidden(), chunk(inside) + "0\r\n\r\n",
                           chunk("x") + "0\r\n\r\n" + hidden(), inside};
        auto const& body = any(bodies);
        std::string fields = coding_field();
        if (one_in(2)) {
            std::size_t const n = one_in(2) ? body.size() : one_in(2) ? 4 : 5;
            auto const length =
                one_in(3) ? length_field(n) : "Content-Length: " + std::to_string(n) + "\r\n";
            fields = one_in(2) ? fields + length : length + fields;
        }
        return post(fields, body);
    }

    std::string by_chunks() {
        static std::string const nul(1, '\0');
        texts const bodies{"5\r\nhello\r\n0\r\n\r\n",
                           "5;ext\r\nhello\r\n0\r\n\r\n",
                           "5 ;ext=\"a b\"\r\nhello\r\n0;x\r\n\r\n",
                           "05\r\nhello\r\n000\r\n\r\n",
                           "5 \r\nhello\r\n0\r\n\r\n",
                           "5\t\r\nhello\r\n0\r\n\r\n",
                           " 5\r\nhello\r\n0\r\n\r\n",
                           "0x5\r\nhello\r\n0\r\n\r\n",
                           "+5\r\nhello\r\n0\r\n\r\n",
                           "-5\r\nhello\r\n0\r\n\r\n",
                           "5,5\r\nhello\r\n0\r\n\r\n",
                           "5_\r\nhello\r\n0\r\n\r\n",
                           "5\nhello\n0\n\n",
                           "5\r\nhello\n0\r\n\r\n",
                           "5\rhello\r0\r\r",
                           "5\r\nhello0\r\n\r\n",
                           "5\r\nhelloXX0\r\n\r\n",
                           "4\r\nhello\r\n0\r\n\r\n",
                           "6\r\nhello\r\n0\r\n\r\n",
                           "5;a\nb\r\nhello\r\n0\r\n\r\n",
                           "5;a\rb\r\nhello\r\n0\r\n\r\n",
                           "5;" + nul + "\r\nhello\r\n0\r\n\r\n",
                           "5;" + std::string(5000, 'x') + "\r\nhello\r\n0\r\n\r\n",
                           "5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n",
                           "5\r\nhello\r\n0\r\nTransfer-Encoding: x\r\nHost: b\r\n\r\n",
                           "5\r\nhello\r\n0\r\nX: y\n\r\n",
                           "5\r\nhello\r\n0\r\n" + std::string(5000, 'x') + ": y\r\n\r\n",
                           "5\r\nhello\r\n0\r\n\n",
                           "5\r\nhello\r\n0\r\n\rX",
                           "5\r\nhello\r\n0\n\n",
                           "5\r\nhello\r\n",
                           "00000000000000005\r\nhello\r\n0\r\n\r\n",
                           "ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
                           "10000000000000005\r\nhello\r\n0\r\n\r\n",
                           "100000005\r\nhello\r\n0\r\n\r\n",
                           "7fffffff\r\nhello\r\n0\r\n\r\n",
                           "\r\n5\r\nhello\r\n0\r\n\r\n",
                           ";\r\nhello\r\n0\r\n\r\n",
                           "g\r\nhello\r\n0\r\n\r\n",
                           "5\r\nhello\r\n\r\n0\r\n\r\n"};
        return post("Transfer-Encoding: chunked\r\n", any(bodies)) + (one_in(2) ? hidden() : "");
    }

    std::string by_line() {
        auto const t = target();
        texts const lines{"GET  " + t + " HTTP/1.1",
                          "GET " + t + "  HTTP/1.1",
                          "GET " + t + " HTTP/1.1 ",
                          "GET\t" + t + "\tHTTP/1.1",
                          "GET\x0b" + t + " HTTP/1.1",
                          " GET " + t + " HTTP/1.1",
                          "GET " + t,
                          "GET " + t + " HTTP/0.9",
                          "GET " + t + " HTTP/1.2",
                          "GET " + t + " HTTP/2.0",
                          "GET " + t + " HTTP/1.10",
                          "GET " + t + " http/1.1",
                          "GET " + t + " HTTP/1,1",
                          "GET " + t + " HTTP/1.1\nX: y",
                          "GET " + t + "\r HTTP/1.1",
                          "GET " + t + " x HTTP/1.1",
                          "GET " + t + "#x HTTP/1.1",
                          "GET " + t + "\xc3\xa4 HTTP/1.1",
                          "get " + t + " HTTP/1.1",
                          "BREW " + t + " HTTP/1.1",
                          "G(T " + t + " HTTP/1.1",
                          "TRACE " + t + " HTTP/1.1",
                          "CONNECT a:80 HTTP/1.1",
                          "GET " + t.substr(1) + " HTTP/1.1",
                          "GET http://a" + t + " HTTP/1.1",
                          "GET HTTP://A" + t + " HTTP/1.1",
                          "GET http://b" + t + " HTTP/1.1",
                          "GET http://a@b" + t + " HTTP/1.1",
                          "GET ftp://a" + t + " HTTP/1.1",
                          "\r\nGET " + t + " HTTP/1.1",
                          "\r\n\r\nGET " + t + " HTTP/1.1",
                          "\r\n\r\n\r\nGET " + t + " HTTP/1.1",
                          "\nGET " + t + " HTTP/1.1",
                          std::string("GET ") + t + std::string("\0", 1) + " HTTP/1.1",
                          "PRI * HTTP/2.0"};
        return any(lines) + "\r\nHost: a\r\n\r\n" + (one_in(2) ? hidden() : "");
    }

    std::string by_host() {
        static texts const hosts{"",
                                 "Host:\r\n",
                                 "Host: a\r\nHost: a\r\n",
                                 "Host: a\r\nHost: b\r\n",
                                 "Host: a\r\nhost: a\r\n",
                                 "Host : a\r\n",
                                 "Host: a, b\r\n",
                                 "Host: a b\r\n",
                                 "Host: a/b\r\n",
                                 "Host: a?b\r\n",
                                 "Host: u@a\r\n",
                                 "Host: a\r\n b\r\n",
                                 " Host: a\r\n",
                                 "Host: a:80\r\n",
                                 "Host: a:80:80\r\n",
                                 "Host: a:x\r\n",
                                 "Host: a\\b\r\n",
                                 "Host: a\r\nHost_: b\r\n",
                                 "Host: a\r\nX-Forwarded-Host: b\r\n",
                                 "Host: a\r\nConnection: Host\r\n",
                                 "Host: a\nX: y\r\n",
                                 "Host: \xc3\xa4\r\n"};
        return request("GET", one_in(6) ? "HTTP/1.0" : "HTTP/1.1", any(hosts)) +
               (one_in(2) ? hidden() : "");
    }

    std::string by_field() {
        auto const inside = hidden();
        auto const length = "Content-Length: " + std::to_string(inside.size()) + "\r\n";
        texts const forms{
            "X: a\r\n b\r\n",
            "X: a\r\n\r\n b\r\n",
            "X: a\nY: b\r\n",
            "X: a\rY: b\r\n",
            "X: \x01\r\n",
            "X: \x7f\r\n",
            "X: \xff\r\n",
            "X : a\r\n",
            "X\r\n",
            ": a\r\n",
            "X(: a\r\n",
            std::string("X: \0\r\n", 6),
            "X: " + std::string(17'000, 'x') + "\r\n",
            length,
            length + "Expect: 100-continue\r\n",
            length + "Expect: 100-continue, x\r\n",
            length + "Connection: close\r\n",
            length + "Connection: keep-alive, X-Hidden\r\n",
            length + "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: x\r\n",
            length + "Proxy-Connection: close\r\n",
            length + "X-HTTP-Method-Override: GET\r\n",
            "Trailer: X\r\nTE: trailers\r\n" + length};
        std::string many;
        for (int i = 0; i < 120; ++i)
            many += "X: y\r\n";
        return post(one_in(20) ? many : any(forms), one_in(3) ? "" : inside);
    }

    std::string pipelined() {
        std::string out;
        for (std::size_t i = 2 + below(6); i > 0; --i)
            out += one_in(3) ? post("Transfer-Encoding: chunked\r\n", chunk("abc") + "0\r\n\r\n")
                             : plain();
        return out;
    }

    /// One byte changed, put in or taken away, but not in a name by which requests are told apart.
    void mutate(std::string& text) {
        static std::string const bytes("\r\n\t :;,0159aX\0\x7f\xff\x0b\"", 20);
        auto const at = below(text.size());
        auto const from = at < 12 ? 0 : at - 12;
        if (text.substr(from, 24).find('/') != text.npos)
            return;
        switch (below(3)) {
        case 0:
            text[at] = bytes[below(bytes.size())];
            break;
        case 1:
            text.insert(at, 1, bytes[below(bytes.size())]);
            break;
        default:
            text.erase(at, 1);
            break;
        }
    }

    std::mt19937 random_;
    std::string id_;
    std::size_t count_ = 0;
};

} // namespace mad_test

#endif
