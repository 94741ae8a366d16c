#include "options.hpp"

#include "toml.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include <sys/stat.h>

namespace programs {

namespace {

std::string environment_name(std::string const& program, std::string const& flag) {
    auto out = program + "_" + flag;
    for (auto& c : out)
        c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return out;
}

/// One value of the file as the words a flag would have.
std::vector<std::string> words_of(toml::node const& n) {
    std::vector<std::string> out;
    auto const one = [&](toml::node const& v) {
        if (auto const s = v.value<std::string>(); v.is_string())
            out.push_back(*s);
        else if (v.is_boolean())
            out.push_back(*v.value<bool>() ? "true" : "false");
        else if (v.is_integer())
            out.push_back(std::to_string(*v.value<std::int64_t>()));
        else if (v.is_floating_point())
            out.push_back(CLI::detail::to_string(*v.value<double>()));
    };
    if (auto const* const a = n.as_array())
        for (auto const& v : *a)
            one(v);
    else
        one(n);
    return out;
}

} // namespace

options::options(std::string program, std::string what)
    : name(std::move(program))
    , app_(std::move(what), name) {
    app_.set_help_flag("--help", "show this and exit");
    app_.add_flag("--version", version_, "print the version and exit");
    app_.add_option("--config", config_, "TOML file; --a-b is a_b there");
    app_.add_flag("--check", check, "read everything, say what is wrong, exit");
    add("log-format", log_format_, "text or json")->check(CLI::IsMember({"text", "json"}));
    add("log-level", log_level_, "debug, info, warn, error or off")
        ->check(CLI::IsMember({"debug", "info", "warn", "error", "off"}));
    add("ca-file", ca_file_, "certificates to trust (PEM); default: the system's");
    add_duration("drain-timeout", drain_timeout, mad::milliseconds(0), mad::milliseconds(3'600'000),
                 "how long a stop waits for those connected");
}

CLI::Option* options::add_list(std::string const& flag, std::vector<std::string>& into,
                               std::string const& help) {
    auto* const o = app_.add_option("--" + flag, into, help)->allow_extra_args(false);
    entries_.push_back({flag, o, {}, true});
    return o;
}

CLI::Option* options::add_switch(std::string const& flag, bool& into, std::string const& help) {
    auto* const o = app_.add_flag("--" + flag, into, help);
    note(flag, o, {});
    return o;
}

CLI::Option* options::add_choice(std::string const& flag, std::string& into,
                                 std::vector<std::string> const& words, std::string const& help) {
    auto* const o = app_.add_flag("--" + flag, into, help);
    o->check([flag, words](std::string const& text) {
        if (std::find(words.begin(), words.end(), text) != words.end())
            return std::string();
        try {
            (void)CLI::detail::to_flag_value(text);
            return std::string();
        } catch (std::exception const&) {
            std::string known;
            for (auto const& w : words)
                known += w + ", ";
            return "'" + text + "' is none of " + known + "true and false";
        }
    });
    note(flag, o, {});
    return o;
}

CLI::Option* options::add_duration(std::string const& flag, mad::milliseconds& into,
                                   mad::milliseconds least, mad::milliseconds most,
                                   std::string const& help) {
    auto* const o = app_.add_option_function<std::string>(
        "--" + flag,
        [&into, least, most, flag](std::string const& text) {
            auto const d = mad::parse_duration(text);
            if (!d)
                throw CLI::ValidationError("--" + flag,
                                           "'" + text + "' is no duration such as 300ms, 25s");
            if (*d < least || *d > most)
                throw CLI::ValidationError("--" + flag, "'" + text + "' is not between " +
                                                            mad::format_duration(least) + " and " +
                                                            mad::format_duration(most));
            into = *d;
        },
        help);
    o->default_str(mad::format_duration(into));
    note(flag, o, {});
    return o;
}

void options::add_server(std::uint16_t default_port, bool tokens) {
    default_port_ = default_port;
    takes_tokens_ = tokens;
    listen_ = std::to_string(default_port);
    add("listen", listen_,
        std::string(
            "[HOST:]PORT; 0: the kernel chooses; no HOST: loopback, or all addresses with ") +
            (tokens ? "--tokens or --anonymous" : "--anonymous"),
        name == "mad-api" ? "PORT" : "");
    if (tokens) {
        add("tokens", tokens_file, "TOML file with the tokens that are known; see docs/access.md")
            ->type_name("FILE");
        add_choice("anonymous", anonymous_, {"agents"},
                   "open to everybody who can reach it; agents: to agents without a token alone");
    } else {
        add_switch("anonymous", anonymous, "open to everybody who can reach it");
    }
    add_list(
        "tls-cert", tls_certs_,
        "certificate chain (PEM); may come several times, each with its --tls-key: clients get "
        "the one with the name that they ask for, else the first");
    add_list("tls-key", tls_keys_, "its private key (PEM)");
    add_instance("those that share a listening socket while a new release takes over: NAME.sock in "
                 "--instance-dir is served, too");
    add("max-connections", max_connections, "connections in all");
    add("max-connections-per-address", addresses.max_connections,
        "connections of one address; 0: no limit");
    add("max-rate-per-address", addresses.max_rate,
        "new connections a second of one address; 0: no limit");
}

void options::add_instance(std::string const& others) {
    add("instance", instance, "name of this process among " + others)->type_name("NAME");
    add("instance-dir", instance_dir,
        "folder that these share and nobody else may enter; default: RUNTIME_DIRECTORY, which the "
        "service manager sets")
        ->type_name("DIR");
}

std::optional<int> options::parse(int argc, char** argv) {
    try {
        app_.parse(argc, argv);
        if (version_) {
            print(name + ' ' + MAD_VERSION + '\n');
            return 0;
        }
        read_environment();
        read_file();
    } catch (CLI::CallForHelp const&) {
        print(app_.help());
        return 0;
    } catch (CLI::ParseError const& e) {
        throw usage_error(e.what());
    }
    if (takes_tokens_ && !anonymous_.empty()) {
        anonymous_agents = anonymous_ == "agents";
        anonymous = !anonymous_agents && CLI::detail::to_flag_value(anonymous_) > 0;
    }
    judge();
    return std::nullopt;
}

/// Gives an option the words it was not given by a stronger source.
static void fill(CLI::Option& o, std::vector<std::string> const& words, std::string const& where) {
    try {
        for (auto const& w : words)
            o.add_result(w);
        o.run_callback();
    } catch (CLI::ParseError const& e) {
        throw usage_error(where + ": " + e.what());
    }
}

static std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> out;
    for (;;) {
        auto const comma = text.find(',');
        if (auto const word = text.substr(0, comma); !word.empty())
            out.emplace_back(word);
        if (comma == text.npos)
            return out;
        text.remove_prefix(comma + 1);
    }
}

void options::read_environment() {
    for (auto& e : entries_) {
        if (e.option->count() > 0)
            continue;
        for (auto const& variable : {environment_name(name, e.flag), e.legacy}) {
            char const* const value = variable.empty() ? nullptr : std::getenv(variable.c_str());
            if (!value || !*value)
                continue;
            fill(*e.option, e.list ? split(value) : std::vector<std::string>{value}, variable);
            e.from = variable;
            break;
        }
    }
    if (config_.empty())
        if (char const* const value = std::getenv(environment_name(name, "config").c_str()))
            config_ = value;
}

void options::read_file() {
    if (config_.empty())
        return;
    // A stream opens it, and reads nothing.
    if (struct stat is{}; ::stat(config_.c_str(), &is) == 0 && S_ISDIR(is.st_mode))
        throw usage_error("--config: " + config_ + " is a directory, no TOML file");
    toml::table file;
    try {
        file = toml::parse_file(config_);
    } catch (toml::parse_error const& e) {
        std::ostringstream where;
        where << config_;
        if (e.source().begin.line > 0)
            where << ':' << e.source().begin.line;
        throw usage_error(where.str() + ": " + std::string(e.description()));
    }
    std::string wrong;
    for (auto const& [key, value] : file) {
        auto const at = config_ + ":" + std::to_string(value.source().begin.line);
        auto const where = at + ": " + std::string(key.str());
        auto flag = std::string(key.str());
        for (auto& c : flag)
            c = c == '_' ? '-' : c;
        auto const it = std::find_if(entries_.begin(), entries_.end(),
                                     [&](entry const& e) { return e.flag == flag; });
        auto const words = words_of(value);
        if (it == entries_.end())
            wrong += where + ": unknown setting\n";
        else if (words.empty() && !value.is_array())
            wrong += where + ": must be a text, a number, true or false, or a list of these\n";
        else if (it->option->count() == 0) {
            it->from = at;
            try {
                fill(*it->option, words, where);
            } catch (usage_error const& e) {
                wrong += std::string(e.what()) + "\n";
            }
        }
    }
    if (!wrong.empty()) {
        wrong.pop_back();
        throw usage_error(wrong);
    }
}

std::string options::located(std::string const& message) const {
    if (!message.starts_with("--"))
        return message;
    auto const flag = message.substr(2, message.find(':') - 2);
    for (auto const& e : entries_)
        if (e.flag == flag && !e.from.empty())
            return e.from + ": " + message;
    return message;
}

boost::asio::ip::tcp::endpoint parse_listen(std::string const& flag, std::string const& text,
                                            boost::asio::ip::address const& bare) {
    auto const bad = [&](std::string const& why) {
        return usage_error(flag + ": '" + text + "' " + why);
    };
    auto const colon = text.rfind(':');
    auto const port_text = colon == text.npos ? text : text.substr(colon + 1);
    unsigned port = 0;
    auto const* const end = port_text.data() + port_text.size();
    auto const r = std::from_chars(port_text.data(), end, port);
    if (port_text.empty() || r.ec != std::errc() || r.ptr != end || port > 65535)
        throw bad("has no port from 0 to 65535");
    if (colon == text.npos)
        return {bare, static_cast<std::uint16_t>(port)};
    auto host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']'))
        host = host.substr(1, host.size() - 2);
    if (host == "localhost")
        host = "127.0.0.1";
    mad::error_code ec;
    auto const address = boost::asio::ip::make_address(host, ec);
    if (ec)
        throw bad("has no address in front of the port (0.0.0.0, 127.0.0.1, [::])");
    return {address, static_cast<std::uint16_t>(port)};
}

std::string read_secret(std::string const& flag, std::string const& file) {
    std::ifstream in(file);
    std::string line;
    if (!in)
        throw usage_error(flag + ": cannot read " + file);
    std::getline(in, line);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' '))
        line.pop_back();
    if (line.empty())
        throw usage_error(flag + ": the first line of " + file + " is empty");
    return line;
}

boost::asio::ip::tcp::endpoint options::endpoint() const {
    using boost::asio::ip::address_v4;
    bool const guarded = anonymous || anonymous_agents || !tokens_file.empty();
    auto at =
        parse_listen("--listen", listen_, guarded ? address_v4::any() : address_v4::loopback());
    if (!at.address().is_loopback() && !guarded)
        throw usage_error("--listen: '" + listen_ +
                          "' is not loopback and nothing guards it: give " +
                          (takes_tokens_ ? "--tokens FILE, or " : "") +
                          "--anonymous if everybody who can reach it may use it");
    return at;
}

void options::judge() const {
    if (default_port_ != 0)
        (void)endpoint();
    if (tls_certs_.size() < tls_keys_.size())
        throw usage_error("--tls-key needs --tls-cert: one for each key");
    if (tls_keys_.size() < tls_certs_.size())
        throw usage_error("--tls-cert needs --tls-key: one for each certificate");
    if (!instance.empty() &&
        instance.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") != instance.npos)
        throw usage_error("--instance: '" + instance +
                          "' is no name: write small letters, digits, - and _");
    if (instance.empty() && !instance_dir.empty())
        throw usage_error("--instance-dir needs --instance NAME");
    if (!instance.empty() && !std::filesystem::is_directory(instance_folder()))
        throw usage_error("--instance: there is no folder '" + instance_folder() +
                          "' for its socket: give --instance-dir DIR");
}

std::string options::instance_folder() const {
    char const* const given = std::getenv("RUNTIME_DIRECTORY");
    return !instance_dir.empty() ? instance_dir : given ? given : "";
}

mad::logger options::make_logger() const {
    auto const format = log_format_ == "json" ? mad::log_format::as_json : mad::log_format::as_text;
    return mad::logger(mad::make_line_sink(format),
                       mad::log_level_of(log_level_).value_or(mad::log_level::info));
}

void print(std::string_view text) {
    if (!(std::cout << text).flush())
        throw std::runtime_error("standard output cannot be written to");
}

int run(options const& o, std::function<int()> const& body) {
    return run(o.name, [&] {
        try {
            return body();
        } catch (usage_error const& e) {
            throw usage_error(o.located(e.what()));
        }
    });
}

int run(std::string const& name, std::function<int()> const& body) {
    try {
        return body();
    } catch (usage_error const& e) {
        std::cerr << name << ": " << e.what() << '\n';
        return 2;
    } catch (std::exception const& e) {
        std::cerr << name << ": " << e.what() << '\n';
        return 1;
    }
}

} // namespace programs
