#ifndef MAD_BINDINGS_GIL_HPP
#define MAD_BINDINGS_GIL_HPP

#include <pybind11/pybind11.h>

#include <unistd.h>

namespace mad_python {

/// For functions that wait: other Python threads run meanwhile. The function itself must touch no
/// Python object.
using releases_gil = pybind11::call_guard<pybind11::gil_scoped_release>;

/// The same for a scope in which a thread may wait until the interpreter ends. Python would end
/// such a thread when it asks for the lock again, in the middle of our frames; here it just stops.
class unlocked {
  public:
    unlocked()
        : state_(PyEval_SaveThread()) {}
    unlocked(unlocked const&) = delete;
    unlocked& operator=(unlocked const&) = delete;
    ~unlocked() {
        while (finalizing() && ::gettid() != ::getpid())
            ::pause();
        PyEval_RestoreThread(state_);
    }

  private:
    static bool finalizing() {
#if PY_VERSION_HEX >= 0x030d0000
        return Py_IsFinalizing();
#else
        return _Py_IsFinalizing();
#endif
    }

    PyThreadState* state_;
};

} // namespace mad_python

#endif
