#ifndef MAD_CORE_IMPL_JSON_SCAN_IPP
#define MAD_CORE_IMPL_JSON_SCAN_IPP

#include <mad/core/detail/json_scanner.hpp>
#include <mad/core/json_scan.hpp>

namespace mad::inline MAD_ABI {

namespace detail {

struct no_json_events {};

struct outer_elements {
    json_visitor visitor;
    std::size_t count = 0;

    json_error element(std::size_t depth, json_span value) {
        if (depth == 1) {
            ++count;
            visitor.call(visitor.context, {}, value);
        }
        return json_error::none;
    }
};

struct outer_members {
    json_visitor visitor;
    std::size_t count = 0;

    json_error member(std::size_t depth, std::string_view key, json_span value) {
        if (depth == 1) {
            ++count;
            visitor.call(visitor.context, key, value);
        }
        return json_error::none;
    }
};

template <class Events>
result<std::size_t> scan_outer(std::string_view text, json_limits const& limits, Events events,
                               json_kind wanted) {
    json_span whole;
    auto const e = json_scanner<Events>(text, limits, events).run(whole);
    if (e != json_error::none)
        return error_code(e);
    if (whole.kind != wanted)
        return error_code(json_error::wrong_kind);
    return events.count;
}

MAD_DECL result<std::size_t> scan_array(std::string_view text, json_limits const& limits,
                                        json_visitor visitor) {
    return scan_outer(text, limits, outer_elements{visitor}, json_kind::array);
}

MAD_DECL result<std::size_t> scan_object(std::string_view text, json_limits const& limits,
                                         json_visitor visitor) {
    return scan_outer(text, limits, outer_members{visitor}, json_kind::object);
}

} // namespace detail

MAD_DECL result<json_span> scan_json(std::string_view text, json_limits const& limits) {
    json_span whole;
    detail::no_json_events none;
    auto const e = detail::json_scanner<detail::no_json_events>(text, limits, none).run(whole);
    if (e != json_error::none)
        return error_code(e);
    return whole;
}

MAD_DECL result<std::size_t> scan_array(std::string_view text, json_limits const& limits,
                                        std::span<json_span> elements) {
    std::size_t i = 0;
    return for_each_element(text, limits, [&](json_span element) {
        if (i < elements.size())
            elements[i++] = element;
    });
}

} // namespace mad::inline MAD_ABI

#endif
