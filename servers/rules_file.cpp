#include "rules_file.hpp"

#include "options.hpp"
#include "toml.hpp"

#include <mad/core/clock.hpp>
#include <mad/fleet/rule_text.hpp>

#include <map>
#include <sstream>
#include <utility>

#include <sys/stat.h>

namespace programs {

namespace {

using mad::fleet::field_problems;
using mad::fleet::field_value;

class rules_reader {
  public:
    explicit rules_reader(std::string path)
        : path_(std::move(path)) {}

    rules_file read() {
        // A stream opens it, and reads nothing.
        if (struct stat is{}; ::stat(path_.c_str(), &is) == 0 && S_ISDIR(is.st_mode))
            throw usage_error("--rules: " + path_ + " is a directory, no TOML file");
        toml::table file;
        try {
            file = toml::parse_file(path_);
        } catch (toml::parse_error const& e) {
            std::ostringstream where;
            where << path_;
            if (e.source().begin.line > 0)
                where << ':' << e.source().begin.line;
            throw usage_error("--rules: " + where.str() + ": " + std::string(e.description()));
        }
        if (auto const* const presets = file.get("presets")) {
            auto const yes = presets->value<bool>();
            if (!presets->is_boolean())
                wrong(*presets, "presets", "must be true or false");
            else if (!*yes)
                out_.rules = {};
        }
        for (auto const& [key, value] : file)
            if (auto const name = key.str(); name != "presets" && name != "rule" && name != "mute")
                wrong(value, name, "unknown; there are presets, [[rule]] and [[mute]]");
        tables(file, "rule", [&](toml::table const& t) { rule(t); });
        tables(file, "mute", [&](toml::table const& t) { mute(t); });
        if (mistakes_.empty())
            return std::move(out_);
        std::string all;
        for (auto const& [line, text] : mistakes_)
            all += (all.empty() ? "" : "\n") + path_ + ':' + std::to_string(line) + ": " + text;
        throw usage_error(all);
    }

  private:
    void wrong(toml::node const& at, std::string_view what, std::string const& why) {
        mistakes_.emplace(at.source().begin.line, std::string(what) + ": " + why);
    }

    template <class Fn>
    void tables(toml::table const& file, std::string_view name, Fn&& fn) {
        auto const* const node = file.get(name);
        if (!node)
            return;
        auto const* const all = node->as_array();
        if (!all || !all->is_array_of_tables())
            return wrong(*node, name, "must be written [[" + std::string(name) + "]]");
        for (auto const& t : *all)
            fn(*t.as_table());
    }

    static std::int64_t ms_of(toml::date_time const& t) {
        std::ostringstream text;
        text << t.date << 'T' << t.time << 'Z';
        // Without an offset it is UTC, as all nodes must agree.
        return mad::fleet::parse_time(text.str()).value_or(0) -
               (t.offset ? t.offset->minutes * 60'000 : 0);
    }

    static std::optional<field_value> value_of(toml::node const& n) {
        if (n.is_boolean())
            return *n.value<bool>();
        if (n.is_number())
            return *n.value<double>();
        if (n.is_string())
            return *n.value<std::string>();
        if (auto const* const t = n.as_date_time())
            return static_cast<double>(ms_of(**t));
        if (auto const* const d = n.as_date())
            return static_cast<double>(ms_of(toml::date_time(**d, toml::time{})));
        auto const* const a = n.as_array();
        if (!a || !(a->empty() || a->is_homogeneous(toml::node_type::string)))
            return std::nullopt;
        std::vector<std::string> list;
        for (auto const& e : *a)
            list.push_back(*e.value<std::string>());
        return list;
    }

    /// Gives every field to the writer, then says what it makes of them, each at its line.
    template <class Writer, class Finish>
    bool write(toml::table const& t, std::string const& what, Writer& writer, Finish&& finish) {
        auto const before = mistakes_.size();
        for (auto const& [key, node] : t) {
            auto const value = value_of(node);
            auto const why = value ? writer.set(key.str(), *value)
                                   : std::optional<std::string>(
                                         "must be a text, a number, true or false, a time, or a "
                                         "list of texts");
            if (why)
                wrong(node, what + ": " + std::string(key.str()), *why);
        }
        if (mistakes_.size() > before)
            return false;
        field_problems problems;
        finish(problems);
        for (auto const& p : problems) {
            auto const* const node = t.get(p.field);
            wrong(node ? *node : t, what + (p.field.empty() ? "" : ": " + p.field), p.message);
        }
        return problems.empty();
    }

    void rule(toml::table const& t) {
        auto const name = t["name"].value<std::string>().value_or("");
        mad::fleet::rule_writer writer(mad::fleet::base_rule(name, out_.rules));
        mad::fleet::rule made;
        if (!write(t, name.empty() ? "rule" : "rule " + name, writer,
                   [&](auto& problems) { made = writer.finish(problems); }))
            return;
        auto const [it, added] =
            lines_.try_emplace(std::pair(made.name, made.match.text), t.source().begin.line);
        if (!added)
            return wrong(t, "rule " + name,
                         "is there for the same hosts in line " + std::to_string(it->second) +
                             ": remove one");
        out_.rules.rules.push_back(std::move(made));
    }

    void mute(toml::table const& t) {
        mad::fleet::mute_writer writer("file-" + std::to_string(out_.mutes.size() + 1));
        mad::fleet::mute made;
        if (write(t, "mute", writer, [&](auto& problems) {
                made = writer.finish(mad::system_clock::instance().wall_ms(), problems);
                // With every reading it would begin anew.
                if (t.contains("for") && !t.contains("from"))
                    problems.push_back({"for", "needs from in a file; or write until"});
            }))
            out_.mutes.push_back(std::move(made));
    }

    std::string path_;
    rules_file out_;
    std::multimap<toml::source_index, std::string> mistakes_; ///< by line
    std::map<std::pair<std::string, std::string>, toml::source_index> lines_;
};

} // namespace

rules_file read_rules_file(std::string const& path) {
    return rules_reader(path).read();
}

} // namespace programs
