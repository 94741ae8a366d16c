#ifndef MAD_FLEET_IMPL_AGENT_SIBLINGS_IPP
#define MAD_FLEET_IMPL_AGENT_SIBLINGS_IPP

#include <mad/fleet/agent_siblings.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

inline constexpr std::string_view agent_suffix = ".agent";
/// Who asks says its name and a line end; that is the question, and the end of the connection takes
/// it back. The rest is one byte each.
inline constexpr char silent_word = 's', speak_word = 'p', heard_word = 'h';
inline constexpr std::size_t most_agent_name = 80;

/// Which of two that ask each other speaks: the greater name, 10 being greater than 9.
inline bool gives_way(std::string_view own, std::string_view other) {
    return std::pair(own.size(), own) < std::pair(other.size(), other);
}

} // namespace detail

using agent_wire = boost::asio::local::stream_protocol;

struct agent_siblings::listener {
    explicit listener(boost::asio::io_context& c)
        : acceptor(c) {}
    agent_wire::acceptor acceptor;
};

struct agent_siblings::link {
    explicit link(agent_wire::socket s)
        : socket(std::move(s)) {}
    void say(char w) {
        error_code ignored; // who has gone needs no word; a byte always fits
        socket.write_some(boost::asio::buffer(&w, 1), ignored);
    }
    agent_wire::socket socket;
    std::string name; ///< of the other
    char word = 0;
};

MAD_DECL agent_siblings::agent_siblings(boost::asio::io_context& c, agent_siblings_settings s)
    : context_(c)
    , settings_(std::move(s))
    , limit_(c) {}

MAD_DECL agent_siblings::~agent_siblings() = default;

MAD_DECL error_code
agent_siblings::start(std::function<void(bool, std::function<void()>)> silence) {
    silence_ = std::move(silence);
    auto const path = settings_.folder + "/" + settings_.name + std::string(detail::agent_suffix);
    if (settings_.name.size() >= detail::most_agent_name)
        return boost::system::errc::make_error_code(boost::system::errc::filename_too_long);
    auto made = net::open_unix_listener(path, net::unix_taken::replace);
    if (!made)
        return made.error();
    file_ = std::move(made->file);
    listener_ = std::make_unique<listener>(context_);
    listener_->acceptor.assign(agent_wire(), made->fd);
    accept();
    return {};
}

// Those that came later.

MAD_DECL void agent_siblings::accept() {
    listener_->acceptor.async_accept([this](error_code ec, agent_wire::socket s) {
        if (ec == boost::asio::error::operation_aborted || !listener_)
            return;
        if (!ec)
            await_name(std::make_shared<link>(std::move(s)));
        accept();
    });
}

MAD_DECL void agent_siblings::await_name(link_ptr const& l) {
    boost::asio::async_read_until(
        l->socket, boost::asio::dynamic_buffer(l->name, detail::most_agent_name), '\n',
        [this, l](error_code ec, std::size_t n) {
            if (ec || !listener_)
                return;
            l->name.resize(n - 1);
            // Both came at the same time: else both would be silent.
            auto const ours = [&](link_ptr const& o) { return o->name == l->name; };
            bool const mutual = std::any_of(asked_.begin(), asked_.end(), ours) ||
                                std::any_of(held_.begin(), held_.end(), ours);
            if (mutual && !detail::gives_way(settings_.name, l->name))
                return;
            std::erase_if(asked_, ours);
            std::erase_if(held_, ours);
            bool const first = holders_.empty();
            holders_.insert(l);
            if (first)
                silence_(true, {});
            l->say(detail::silent_word);
            await_holder(l);
            settled();
        });
}

MAD_DECL void agent_siblings::await_holder(link_ptr const& l) {
    l->socket.async_read_some(boost::asio::buffer(&l->word, 1), [this, l](error_code, std::size_t) {
        if (holders_.erase(l) == 0)
            return; // `stop`
        auto const heard = [l] { l->say(detail::heard_word); };
        if (!holders_.empty())
            return heard();
        settings_.log.info("fleet.agent.speaks_again", {{"instance", settings_.name}});
        silence_(false, heard);
    });
}

// Those that were there before.

MAD_DECL void agent_siblings::take_over(std::function<void()> done) {
    done_ = std::move(done);
    giving_back_ = false;
    auto const own = settings_.name + std::string(detail::agent_suffix);
    std::vector<std::string> paths;
    error_code ec;
    for (auto const& entry : std::filesystem::directory_iterator(settings_.folder, ec)) {
        auto const name = entry.path().filename().string();
        if (name.ends_with(detail::agent_suffix) && name != own)
            paths.push_back(entry.path().string());
    }
    for (auto const& path : paths)
        ask(path);
    limit_.expires_after(settings_.patience);
    limit_.async_wait([this](error_code stopped) {
        if (stopped)
            return;
        if (!asked_.empty())
            settings_.log.warn("fleet.agent.sibling_silent", {{"instances", asked_.size()}});
        held_.merge(asked_); // it may answer yet
        asked_.clear();
        finish();
    });
    settled();
}

MAD_DECL void agent_siblings::ask(std::string const& path) {
    auto const fd = net::connect_unix(path);
    if (!fd)
        return; // one that has died
    agent_wire::socket s(context_);
    error_code ec;
    if (s.assign(agent_wire(), *fd, ec); ec) {
        ::close(*fd);
        return;
    }
    auto const l = std::make_shared<link>(std::move(s));
    l->name = std::filesystem::path(path).stem().string();
    auto const question = settings_.name + '\n';
    l->socket.write_some(boost::asio::buffer(question), ec); // an empty socket takes it whole
    asked_.insert(l);
    await_held(l);
}

MAD_DECL void agent_siblings::await_held(link_ptr const& l) {
    l->socket.async_read_some(boost::asio::buffer(&l->word, 1),
                              [this, l](error_code ec, std::size_t) {
                                  bool const waited = asked_.erase(l) > 0;
                                  bool const was_held = held_.erase(l) > 0;
                                  if (!waited && !was_held)
                                      return; // `stop`
                                  if (!ec && l->word == detail::silent_word) {
                                      held_.insert(l);
                                      await_held(l);
                                  }
                                  settled();
                              });
}

MAD_DECL void agent_siblings::give_back(milliseconds most, std::function<void()> done) {
    done_ = std::move(done);
    giving_back_ = true;
    for (auto const& l : held_)
        l->say(detail::speak_word);
    limit_.expires_after(most);
    limit_.async_wait([this](error_code stopped) {
        if (!stopped)
            finish();
    });
    settled();
}

MAD_DECL void agent_siblings::settled() {
    if (done_ && asked_.empty() && (!giving_back_ || held_.empty()))
        finish();
}

MAD_DECL void agent_siblings::finish() {
    limit_.cancel();
    if (auto const done = std::exchange(done_, {}))
        done();
}

MAD_DECL void agent_siblings::stop() {
    limit_.cancel();
    done_ = {};
    for (auto* const all : {&holders_, &asked_, &held_})
        for (auto const& l : std::exchange(*all, {})) {
            error_code ignored;
            l->socket.close(ignored); // what reads from it holds it still
        }
    listener_.reset();
    file_ = {};
}

} // namespace mad::inline MAD_ABI::fleet

#endif
