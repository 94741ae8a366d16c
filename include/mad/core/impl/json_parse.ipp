#ifndef MAD_CORE_IMPL_JSON_PARSE_IPP
#define MAD_CORE_IMPL_JSON_PARSE_IPP

#include <mad/core/json.hpp>
#include <mad/core/json_parse.hpp>
#include <mad/core/json_text.hpp>

namespace mad::inline MAD_ABI {

namespace detail {

class json_printer {
  public:
    json_printer(std::string& out, json_binary_writer binary)
        : out_(out)
        , binary_(binary) {}

    void print(json const& v, std::size_t depth) {
        switch (v.type()) {
        case json::value_t::null:
        case json::value_t::discarded:
            out_ += "null";
            break;
        case json::value_t::boolean:
            out_ += v.get_ref<bool const&>() ? "true" : "false";
            break;
        case json::value_t::number_integer:
            append_json_number(out_, v.get_ref<json::number_integer_t const&>());
            break;
        case json::value_t::number_unsigned:
            append_json_number(out_, v.get_ref<json::number_unsigned_t const&>());
            break;
        case json::value_t::number_float:
            append_json_number(out_, v.get_ref<json::number_float_t const&>());
            break;
        case json::value_t::string:
            append_json_string(out_, v.get_ref<json::string_t const&>());
            break;
        case json::value_t::binary:
            print_binary(v.get_binary());
            break;
        case json::value_t::array:
            print_array(v.get_ref<json::array_t const&>(), depth + 1);
            break;
        case json::value_t::object:
            print_object(v.get_ref<json::object_t const&>(), depth + 1);
            break;
        }
    }

  private:
    void print_binary(json::binary_t const& bytes) {
        if (binary_.call)
            binary_.call(binary_.context, out_,
                         {reinterpret_cast<char const*>(bytes.data()), bytes.size()});
        else
            out_ += "null";
    }

    void print_array(json::array_t const& elements, std::size_t depth) {
        if (depth > max_json_print_depth) {
            out_ += "null";
            return;
        }
        out_ += '[';
        bool first = true;
        for (auto const& element : elements) {
            if (!first)
                out_ += ',';
            first = false;
            print(element, depth);
        }
        out_ += ']';
    }

    void print_object(json::object_t const& members, std::size_t depth) {
        if (depth > max_json_print_depth) {
            out_ += "null";
            return;
        }
        out_ += '{';
        bool first = true;
        for (auto const& [key, value] : members) {
            if (!first)
                out_ += ',';
            first = false;
            append_json_string(out_, key);
            out_ += ':';
            print(value, depth);
        }
        out_ += '}';
    }

    std::string& out_;
    json_binary_writer binary_;
};

MAD_DECL void append_json(std::string& out, json const& value, json_binary_writer binary) {
    json_printer(out, binary).print(value, 0);
}

} // namespace detail

MAD_DECL result<json> parse_json(std::string_view text, json_limits const& limits) {
    auto const whole = scan_json(text, limits);
    if (!whole)
        return whole.error();
    json value;
    if (limits.lone_surrogates && text.find("\\u") != text.npos) {
        std::string strict(whole->text);
        replace_lone_surrogates(strict);
        value = json::parse(strict, nullptr, false);
    } else {
        value = json::parse(whole->text, nullptr, false);
    }
    if (value.is_discarded())
        return error_code(json_error::syntax);
    return value;
}

MAD_DECL void append_json(std::string& out, json const& value) {
    detail::append_json(out, value, {nullptr, nullptr});
}

} // namespace mad::inline MAD_ABI

#endif
