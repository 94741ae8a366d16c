#ifndef MAD_NET_HTTP_IMPL_REDIRECT_IPP
#define MAD_NET_HTTP_IMPL_REDIRECT_IPP

#include <mad/net/http/redirect.hpp>

#include <algorithm>

namespace mad::inline MAD_ABI::net::http {

namespace detail {

class redirect_route final : public route {
  public:
    explicit redirect_route(std::uint16_t port)
        : port_(port) {}

    // From the head: a body that comes with it is never wanted.
    void on_head(shard&, request const& r, exchange& x, std::size_t&) override {
        auto const to = https_location(r.header("Host"), r.target, port_);
        if (to.empty())
            return x.respond(text_answer(400, "Bad Request\n"));
        auto there = text_answer(308, "Permanent Redirect\n");
        there.set("Location", to);
        x.respond(std::move(there));
    }

    void on_request(shard&, request const&, exchange) override {}

  private:
    std::uint16_t port_;
};

} // namespace detail

MAD_DECL std::string https_location(std::string_view host, std::string_view target,
                                    std::uint16_t port) {
    auto const bracket = host.starts_with('[') ? host.find(']') : 0;
    if (bracket == host.npos)
        return {};
    auto const colon = host.find(':', bracket);
    auto const name = host.substr(0, colon);
    auto const harmless = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '.' || c == '-' || c == '_';
    };
    auto const in_brackets = [&](char c) { return harmless(c) || c == ':'; };
    bool const good = bracket > 0
                          ? name.size() == bracket + 1 && name.size() > 2 &&
                                std::all_of(name.begin() + 1, name.end() - 1, in_brackets)
                          : !name.empty() && std::all_of(name.begin(), name.end(), harmless);
    if (!good || name.size() > 255 || !target.starts_with('/'))
        return {};
    std::string out = "https://";
    out.append(name);
    if (port != 443)
        out.append(":").append(std::to_string(port));
    return out.append(target);
}

MAD_DECL std::shared_ptr<route> redirect_to_https(std::uint16_t port) {
    return std::make_shared<detail::redirect_route>(port);
}

} // namespace mad::inline MAD_ABI::net::http

#endif
