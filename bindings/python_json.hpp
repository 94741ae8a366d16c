#ifndef MAD_BINDINGS_PYTHON_JSON_HPP
#define MAD_BINDINGS_PYTHON_JSON_HPP

#include <mad/core/json_fwd.hpp>
#include <mad/socketio/args.hpp>
#include <mad/socketio/encoded.hpp>

#include <pybind11/pybind11.h>

#include <span>
#include <string>
#include <string_view>

namespace mad_python {

/// The arguments of an event as they go over the wire, written straight from Python's objects:
/// None, bool, int (-2^63 to 2^64-1), float (NaN and infinities become null), str (a lone surrogate
/// becomes U+FFFD), bytes, bytearray and memoryview (attachments), list and tuple, dict with keys
/// of text. TypeError for anything else, OverflowError and ValueError (too deep) for what cannot be
/// said in JSON.
mad::socketio::raw_args write_args(pybind11::tuple const& values);

/// One value. The same rules.
mad::socketio::raw_args write_value(pybind11::handle value);

/// One value as JSON text; bytes inside are a TypeError: `what` says of what.
std::string write_json(pybind11::handle value, char const* what);

/// The elements of a checked JSON array as a tuple, without those in front that `skip` counts. In
/// a packet with attachments placeholders become bytes.
pybind11::tuple read_args(std::string_view payload, std::span<std::string const> attachments,
                          std::size_t skip);

/// A checked JSON text.
pybind11::object read_json(std::string_view text);

/// What was parsed before.
pybind11::object read_value(mad::json const& value);
pybind11::tuple read_values(mad::socketio::arguments const& values);

/// Text from a peer; what is not UTF-8 becomes U+FFFD.
pybind11::str read_text(std::string_view text);

} // namespace mad_python

#endif
