#ifndef MAD_NET_HTTP_IMPL_ROUTER_IPP
#define MAD_NET_HTTP_IMPL_ROUTER_IPP

#include <mad/net/http/router.hpp>

#include <algorithm>
#include <array>

namespace mad::inline MAD_ABI::net::http {

namespace detail {

class get_route final : public route {
  public:
    explicit get_route(router::handler fn)
        : fn_(std::move(fn)) {}

    // Refused from the head: else a body would be judged first, and the answer be 413.
    void on_head(shard&, request const& r, exchange& x, std::size_t&) override {
        if (r.method == "GET" || r.method == "HEAD")
            return;
        auto no = text_answer(405, "Method Not Allowed\n");
        no.set("Allow", "GET, HEAD");
        x.respond(std::move(no));
    }

    void on_request(shard&, request const& r, exchange x) override { x.respond(fn_(r)); }

  private:
    router::handler fn_;
};

class no_route final : public route {
  public:
    void on_head(shard&, request const& r, exchange& x, std::size_t&) override {
        constexpr std::array<std::string_view, 9> known{
            "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"};
        bool const is_known = std::find(known.begin(), known.end(), r.method) != known.end();
        response no;
        no.status = is_known ? 404 : 501;
        x.respond(std::move(no));
    }

    void on_request(shard&, request const&, exchange) override {}
};

} // namespace detail

MAD_DECL router& router::mount(std::string prefix, std::shared_ptr<route> to) {
    entries_.push_back({std::move(prefix), false, std::move(to)});
    return *this;
}

MAD_DECL router& router::get(std::string path, handler fn) {
    entries_.push_back({std::move(path), true, std::make_shared<detail::get_route>(std::move(fn))});
    return *this;
}

MAD_DECL router& router::otherwise(std::shared_ptr<route> to) {
    otherwise_ = std::move(to);
    return *this;
}

MAD_DECL route& router::find(std::string_view path) const {
    for (auto const& e : entries_)
        if (e.exact ? path == e.path : path.starts_with(e.path))
            return *e.to;
    static detail::no_route none;
    return otherwise_ ? *otherwise_ : none;
}

} // namespace mad::inline MAD_ABI::net::http

#endif
