#ifndef MAD_TESTS_SUPPORT_PRINT_RESULT_HPP
#define MAD_TESTS_SUPPORT_PRINT_RESULT_HPP

#include <boost/system/result.hpp>

#include <catch2/catch.hpp>

#include <string>

/// Lets a failed `CHECK(some_result)` show its error, whether or not the value can be printed.
template <class T>
struct Catch::StringMaker<boost::system::result<T>> {
    static std::string convert(boost::system::result<T> const& r) {
        return r ? "a value" : "error: " + r.error().message();
    }
};

#endif
