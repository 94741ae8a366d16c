// First of all: without separate compilation its bodies need what is below, and include it.
#include <mad/fleet/http_api.hpp>

#ifndef MAD_FLEET_DETAIL_HTTP_PARAMETERS_HPP
#define MAD_FLEET_DETAIL_HTTP_PARAMETERS_HPP

#include <mad/fleet/detail/http_operation.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::fleet::detail {

/// What the schema of a parameter asks: the document and the judge read the same text.
class parameter_judge {
  public:
    explicit parameter_judge(http_parameter const&);

    std::string_view name() const { return name_; }
    /// What is wrong, for people; empty: nothing.
    std::string judge(std::string_view value) const;

  private:
    bool allows(std::string_view word) const;
    std::string words() const;

    std::string_view name_;
    std::vector<std::string> enum_;
    bool integer_ = false, list_ = false;
    std::size_t least_ = 0, most_ = 0; ///< of the number, or of its code points
};

/// Takes the query of a request apart. What is wrong with it, for people; empty: nothing.
std::string read_parameters(std::vector<parameter_judge> const&, std::string_view query,
                            http_task& out);

} // namespace mad::inline MAD_ABI::fleet::detail

#endif
