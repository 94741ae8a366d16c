#ifndef MAD_TESTS_SUPPORT_JSON_MAKER_HPP
#define MAD_TESTS_SUPPORT_JSON_MAKER_HPP

#include <cstddef>
#include <random>
#include <string>

namespace mad_test {

/// Makes random JSON text, valid by construction and rich in what scanners get wrong, and damages
/// it. The same seed gives the same texts.
class json_maker {
  public:
    explicit json_maker(unsigned seed)
        : random_(seed) {}

    std::size_t below(std::size_t n) {
        return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_);
    }

    std::string document() {
        std::string out;
        space(out);
        value(out, 0);
        space(out);
        return out;
    }

    /// A byte changed, taken away, put in or doubled, or a piece of the text moved.
    std::string damaged(std::string text) {
        for (auto times = 1 + below(3); times > 0 && !text.empty(); --times) {
            auto const at = below(text.size());
            switch (below(6)) {
            case 0:
                text[at] = static_cast<char>(below(256));
                break;
            case 1:
                text.erase(at, 1 + below(4));
                break;
            case 2:
                text.insert(at, 1, interesting());
                break;
            case 3:
                text.resize(at);
                break;
            case 4:
                text.insert(at, text.substr(below(text.size()), 1 + below(8)));
                break;
            default:
                text[at] = interesting();
            }
        }
        return text;
    }

  private:
    char interesting() {
        static std::string const these =
            "\"\\[]{}:,0123456789.eE+-tfnu \n\x1f\x7f\x80\xc3\xed\xf0/bdDcC";
        return these[below(these.size())];
    }

    template <std::size_t N>
    char const* one_of(char const* const (&these)[N]) {
        return these[below(N)];
    }

    void space(std::string& out) {
        static char const* const these[] = {"", "", "", "", " ", "\n", "\t\r", "  \n  "};
        out += one_of(these);
    }

    void number(std::string& out) {
        static char const* const these[] = {"0",
                                            "-0",
                                            "1",
                                            "-17",
                                            "3.5",
                                            "0.1",
                                            "1e5",
                                            "1E+5",
                                            "2e-3",
                                            "1e308",
                                            "1e-400",
                                            "0e999",
                                            "-0.0e-0",
                                            "9007199254740993",
                                            "1.7976931348623157e308",
                                            "12345678901234567890123",
                                            "18446744073709551615",
                                            "0.00000000000001e320",
                                            "-9223372036854775808",
                                            "0.000e12345"};
        if (below(3) == 0)
            out += std::to_string(static_cast<long>(below(1u << 30)) - (1 << 29));
        else
            out += one_of(these);
    }

    void string(std::string& out) {
        static char const* const these[] = {"a",
                                            "hello world",
                                            "\\n",
                                            "\\\"",
                                            "\\\\",
                                            "\\u0041",
                                            "\\u00e9",
                                            "\\ud83d\\ude00",
                                            "\xc3\xa9",
                                            "\xe2\x82\xac",
                                            "\xf0\x9f\x98\x80",
                                            "/",
                                            "\\/",
                                            "\x7f",
                                            "\\u0000",
                                            "\\b\\f",
                                            "eightbyt",
                                            "_placeholder",
                                            "\xef\xbf\xbf",
                                            "\xf4\x8f\xbf\xbf",
                                            "\\uFFFF",
                                            "{[,:]}"};
        out += '"';
        for (auto n = below(6); n > 0; --n)
            out += one_of(these);
        out += '"';
    }

    void value(std::string& out, int depth) {
        static char const* const literals[] = {"true", "false", "null"};
        switch (below(depth < 6 ? 8 : 4)) {
        case 0:
        case 1:
            number(out);
            break;
        case 2:
            string(out);
            break;
        case 3:
            out += one_of(literals);
            break;
        case 4:
        case 5:
            list(out, '[', ']', [&] { value(out, depth + 1); });
            break;
        default:
            list(out, '{', '}', [&] {
                string(out);
                space(out);
                out += ':';
                space(out);
                value(out, depth + 1);
            });
        }
    }

    template <class Item>
    void list(std::string& out, char open, char close, Item item) {
        out += open;
        space(out);
        for (auto n = below(5), i = std::size_t(0); i < n; ++i) {
            if (i > 0) {
                out += ',';
                space(out);
            }
            item();
            space(out);
        }
        out += close;
    }

    std::mt19937 random_;
};

} // namespace mad_test

#endif
