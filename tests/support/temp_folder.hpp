#ifndef MAD_TESTS_SUPPORT_TEMP_FOLDER_HPP
#define MAD_TESTS_SUPPORT_TEMP_FOLDER_HPP

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace mad_test {

/// A folder that goes, with all that is in it, when this object does.
class temp_folder {
  public:
    temp_folder() {
        auto pattern = (std::filesystem::temp_directory_path() / "mad-test-XXXXXX").string();
        if (!::mkdtemp(pattern.data()))
            throw std::runtime_error("mkdtemp " + pattern);
        path_ = pattern;
    }
    temp_folder(temp_folder const&) = delete;
    temp_folder& operator=(temp_folder const&) = delete;
    ~temp_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    std::string file(std::string const& name) const { return (path_ / name).string(); }

    /// Writes a file and gives its path.
    std::string write(std::string const& name, std::string_view text) const {
        std::ofstream(file(name), std::ios::binary) << text;
        return file(name);
    }

  private:
    std::filesystem::path path_;
};

} // namespace mad_test

#endif
