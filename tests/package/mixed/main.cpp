#include "half.hpp"

int main() {
    greet({});
}
