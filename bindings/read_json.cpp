// The text of a packet to Python's objects. The text was checked when it came, so nothing here
// judges it; it is only never read beyond its end.

#include "python_json.hpp"

#include <mad/core/json.hpp>
#include <mad/core/json_text.hpp>

#include <charconv>
#include <vector>

namespace py = pybind11;

namespace mad_python {
namespace {

py::object take(PyObject* made) {
    if (!made)
        throw py::error_already_set();
    return py::reinterpret_steal<py::object>(made);
}

py::object text_of(std::string_view utf8) {
    return take(PyUnicode_DecodeUTF8(utf8.data(), static_cast<Py_ssize_t>(utf8.size()), "replace"));
}

py::object bytes_of(std::string_view data) {
    return take(PyBytes_FromStringAndSize(data.data(), static_cast<Py_ssize_t>(data.size())));
}

class reader {
  public:
    reader(std::string_view text, std::span<std::string const> attachments)
        : at_(text.data())
        , end_(at_ + text.size())
        , attachments_(attachments) {
        made_.resize(attachments.size());
    }

    py::object value() {
        switch (peek()) {
        case '"':
            return string();
        case '[':
            return array();
        case '{':
            return object();
        case 't':
            at_ += 4;
            return py::bool_(true);
        case 'f':
            at_ += 5;
            return py::bool_(false);
        case 'n':
            at_ += 4;
            return py::none();
        default:
            return number();
        }
    }

    py::tuple elements(std::size_t skip) {
        auto const all = array();
        auto const size = PyList_GET_SIZE(all.ptr());
        auto const from = std::min(static_cast<Py_ssize_t>(skip), size);
        auto const rest = take(PyList_GetSlice(all.ptr(), from, size));
        return py::reinterpret_steal<py::tuple>(take(PyList_AsTuple(rest.ptr())).release());
    }

  private:
    char peek() {
        while (at_ < end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r'))
            ++at_;
        if (at_ >= end_)
            throw py::value_error("the JSON text ends too soon");
        return *at_;
    }

    /// Whether one more element follows; the closing bracket is taken.
    bool more(char close, bool first) {
        auto const c = peek();
        if (c == close) {
            ++at_;
            return false;
        }
        if (!first)
            ++at_; // the comma
        return true;
    }

    py::object array() {
        ++at_;
        auto out = take(PyList_New(0));
        for (bool first = true; more(']', first); first = false)
            if (PyList_Append(out.ptr(), value().ptr()) != 0)
                throw py::error_already_set();
        return out;
    }

    py::object object() {
        ++at_;
        auto out = take(PyDict_New());
        for (bool first = true; more('}', first); first = false) {
            peek();
            auto const key = string();
            peek();
            ++at_; // the colon
            if (PyDict_SetItem(out.ptr(), key.ptr(), value().ptr()) != 0)
                throw py::error_already_set();
        }
        if (!attachments_.empty())
            if (auto found = attachment(out.ptr()))
                return found;
        return out;
    }

    /// What a placeholder stands for; nothing when it is none.
    py::object attachment(PyObject* object) {
        if (PyDict_GetItemString(object, "_placeholder") != Py_True)
            return {};
        auto* const number = PyDict_GetItemString(object, "num");
        if (!number || !PyNumber_Check(number))
            return {};
        auto const index = PyFloat_AsDouble(number);
        if (PyErr_Occurred())
            PyErr_Clear();
        if (!(index >= 0 && index < static_cast<double>(attachments_.size())))
            return {};
        auto& made = made_[static_cast<std::size_t>(index)];
        if (!made)
            made = bytes_of(attachments_[static_cast<std::size_t>(index)]);
        return made;
    }

    py::object string() {
        auto const* const begin = ++at_;
        bool escaped = false;
        while (at_ < end_ && *at_ != '"') {
            if (*at_ == '\\') {
                escaped = true;
                ++at_;
            }
            ++at_;
        }
        std::string_view const raw(begin, static_cast<std::size_t>(std::min(at_, end_) - begin));
        ++at_;
        if (!escaped)
            return text_of(raw);
        scratch_.clear();
        mad::json_unescape(raw, scratch_);
        return text_of(scratch_);
    }

    py::object number() {
        auto const* const begin = at_;
        bool whole = true;
        while (at_ < end_ && *at_ != ',' && *at_ != ']' && *at_ != '}' && *at_ > ' ') {
            whole = whole && *at_ != '.' && *at_ != 'e' && *at_ != 'E';
            ++at_;
        }
        if (whole) {
            long long small = 0;
            if (auto const r = std::from_chars(begin, at_, small);
                r.ec == std::errc() && r.ptr == at_)
                return take(PyLong_FromLongLong(small));
            std::string const digits(begin, at_);
            // Python refuses thousands of digits with a ValueError: then it is the nearest double.
            if (auto* const large = PyLong_FromString(digits.c_str(), nullptr, 10))
                return take(large);
            PyErr_Clear();
        }
        double value = 0;
        std::from_chars(begin, at_, value);
        return take(PyFloat_FromDouble(value));
    }

    char const* at_;
    char const* end_;
    std::span<std::string const> attachments_;
    std::vector<py::object> made_;
    std::string scratch_;
};

} // namespace

py::tuple read_args(std::string_view payload, std::span<std::string const> attachments,
                    std::size_t skip) {
    if (payload.empty())
        return py::tuple();
    return reader(payload, attachments).elements(skip);
}

py::object read_json(std::string_view text) {
    return reader(text, {}).value();
}

py::str read_text(std::string_view text) {
    return py::reinterpret_steal<py::str>(text_of(text).release());
}

py::object read_value(mad::json const& value) {
    switch (value.type()) {
    case mad::json::value_t::null:
    case mad::json::value_t::discarded:
        return py::none();
    case mad::json::value_t::boolean:
        return py::bool_(value.get<bool>());
    case mad::json::value_t::number_integer:
        return take(PyLong_FromLongLong(value.get<long long>()));
    case mad::json::value_t::number_unsigned:
        return take(PyLong_FromUnsignedLongLong(value.get<unsigned long long>()));
    case mad::json::value_t::number_float:
        return take(PyFloat_FromDouble(value.get<double>()));
    case mad::json::value_t::string:
        return text_of(value.get_ref<std::string const&>());
    case mad::json::value_t::binary: {
        auto const& data = value.get_binary();
        return bytes_of({reinterpret_cast<char const*>(data.data()), data.size()});
    }
    case mad::json::value_t::array: {
        auto out = take(PyList_New(0));
        for (auto const& element : value)
            if (PyList_Append(out.ptr(), read_value(element).ptr()) != 0)
                throw py::error_already_set();
        return out;
    }
    case mad::json::value_t::object: {
        auto out = take(PyDict_New());
        for (auto const& [key, member] : value.get_ref<mad::json::object_t const&>())
            if (PyDict_SetItem(out.ptr(), text_of(key).ptr(), read_value(member).ptr()) != 0)
                throw py::error_already_set();
        return out;
    }
    }
    return py::none();
}

py::tuple read_values(mad::socketio::arguments const& values) {
    py::tuple out(values.size());
    for (std::size_t i = 0; i < values.size(); ++i)
        PyTuple_SET_ITEM(out.ptr(), static_cast<Py_ssize_t>(i),
                         read_value(values[i]).release().ptr());
    return out;
}

} // namespace mad_python
