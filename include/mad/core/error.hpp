#ifndef MAD_CORE_ERROR_HPP
#define MAD_CORE_ERROR_HPP

#include <mad/config.hpp>

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

namespace mad::inline MAD_ABI {

using error_code = boost::system::error_code;
using error_category = boost::system::error_category;

/// A value, or the reason why there is none. What a peer can cause is returned this way, never
/// thrown.
template <class T>
using result = boost::system::result<T>;

} // namespace mad::inline MAD_ABI

#endif
