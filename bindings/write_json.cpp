// Python's objects to the text of a packet.

#include "python_json.hpp"

#include <mad/core/json_text.hpp>

namespace py = pybind11;

namespace mad_python {
namespace {

/// As deep as the library prints. A list that holds itself ends here, too.
constexpr int max_depth = 512;

class writer {
  public:
    explicit writer(mad::socketio::raw_args& out)
        : out_(out)
        , text_(out.text) {}

    void write(PyObject* value, int depth) {
        if (value == Py_None) {
            text_ += "null";
        } else if (PyBool_Check(value)) {
            text_ += value == Py_True ? "true" : "false";
        } else if (PyUnicode_Check(value)) {
            write_text(value);
        } else if (PyLong_Check(value)) {
            write_int(value);
        } else if (PyFloat_Check(value)) {
            mad::append_json_number(text_, PyFloat_AS_DOUBLE(value));
        } else if (PyList_Check(value) || PyTuple_Check(value)) {
            write_array(value, depth + 1);
        } else if (PyDict_Check(value)) {
            write_object(value, depth + 1);
        } else if (PyBytes_Check(value) || PyByteArray_Check(value) || PyMemoryView_Check(value)) {
            write_bytes(value);
        } else {
            throw py::type_error(std::string("no JSON form for ") + Py_TYPE(value)->tp_name);
        }
    }

  private:
    void write_int(PyObject* value) {
        int overflow = 0;
        auto const number = PyLong_AsLongLongAndOverflow(value, &overflow);
        if (overflow == 0)
            return mad::append_json_number(text_, number);
        auto const large = overflow > 0 ? PyLong_AsUnsignedLongLong(value) : 0;
        if (overflow < 0 || PyErr_Occurred()) {
            PyErr_Clear();
            PyErr_SetString(PyExc_OverflowError, "an integer beyond 64 bits has no place in JSON");
            throw py::error_already_set();
        }
        mad::append_json_number(text_, large);
    }

    void write_text(PyObject* value) {
        Py_ssize_t size = 0;
        if (auto const* const data = PyUnicode_AsUTF8AndSize(value, &size))
            return mad::append_json_string(text_, {data, static_cast<std::size_t>(size)});
        if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
            throw py::error_already_set();
        PyErr_Clear();
        auto const wide = py::reinterpret_steal<py::object>(
            PyUnicode_AsEncodedString(value, "utf-16-le", "surrogatepass"));
        auto const clean = wide ? py::reinterpret_steal<py::object>(PyUnicode_Decode(
                                      PyBytes_AS_STRING(wide.ptr()), PyBytes_GET_SIZE(wide.ptr()),
                                      "utf-16-le", "replace"))
                                : py::object();
        if (!clean)
            throw py::error_already_set();
        auto const* const data = PyUnicode_AsUTF8AndSize(clean.ptr(), &size);
        if (!data)
            throw py::error_already_set();
        mad::append_json_string(text_, {data, static_cast<std::size_t>(size)});
    }

    void write_bytes(PyObject* value) {
        Py_buffer view;
        if (PyObject_GetBuffer(value, &view, PyBUF_SIMPLE) != 0)
            throw py::error_already_set();
        mad::socketio::detail::append_placeholder(
            text_, out_.attachments,
            {static_cast<char const*>(view.buf), static_cast<std::size_t>(view.len)});
        PyBuffer_Release(&view);
    }

    void enter(int depth) {
        if (depth > max_depth)
            throw py::value_error("nested deeper than 512, or holding itself");
    }

    void write_array(PyObject* value, int depth) {
        enter(depth);
        bool const is_list = PyList_Check(value);
        text_ += '[';
        // The size is asked again each time: nothing here runs Python, but nothing relies on it.
        for (Py_ssize_t i = 0; i < (is_list ? PyList_GET_SIZE(value) : PyTuple_GET_SIZE(value));
             ++i) {
            if (i > 0)
                text_ += ',';
            write(is_list ? PyList_GET_ITEM(value, i) : PyTuple_GET_ITEM(value, i), depth);
        }
        text_ += ']';
    }

    void write_object(PyObject* value, int depth) {
        enter(depth);
        text_ += '{';
        PyObject *key = nullptr, *member = nullptr;
        Py_ssize_t at = 0;
        bool first = true;
        while (PyDict_Next(value, &at, &key, &member)) {
            if (!PyUnicode_Check(key))
                throw py::type_error(std::string("keys must be text, not ") +
                                     Py_TYPE(key)->tp_name + ": " +
                                     std::string(py::str(py::repr(key))));
            if (!first)
                text_ += ',';
            first = false;
            write_text(key);
            text_ += ':';
            write(member, depth);
        }
        text_ += '}';
    }

    mad::socketio::raw_args& out_;
    std::string& text_;
};

} // namespace

mad::socketio::raw_args write_args(py::tuple const& values) {
    mad::socketio::raw_args out;
    writer w(out);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(values.ptr()); ++i) {
        if (i > 0)
            out.text += ',';
        w.write(PyTuple_GET_ITEM(values.ptr(), i), 0);
    }
    return out;
}

mad::socketio::raw_args write_value(py::handle value) {
    mad::socketio::raw_args out;
    writer(out).write(value.ptr(), 0);
    return out;
}

std::string write_json(py::handle value, char const* what) {
    auto out = write_value(value);
    if (!out.attachments.empty())
        throw py::type_error(std::string("bytes cannot be part of ") + what);
    return std::move(out.text);
}

} // namespace mad_python
