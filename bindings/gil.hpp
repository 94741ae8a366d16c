#ifndef MAD_BINDINGS_GIL_HPP
#define MAD_BINDINGS_GIL_HPP

#include <pybind11/pybind11.h>

#include <unistd.h>

namespace mad_python {

/// For a scope that waits: other Python threads run meanwhile, and it must touch no Python object.
/// When the interpreter ends before the scope does, Python ends the thread as soon as it asks for
/// the lock again, by unwinding frames whose destructors would then touch Python without the lock;
/// here the thread just stops, and goes with the process.
class unlocked {
  public:
    unlocked()
        : state_(PyEval_SaveThread()) {}
    unlocked(unlocked const&) = delete;
    unlocked& operator=(unlocked const&) = delete;
    ~unlocked() {
        if (finalizing() && ::gettid() != ::getpid())
            stay();
        // The end may also begin while it waits for the lock: all that comes out of there is the
        // unwinding, which is no object that a reference could be bound to.
        try {
            PyEval_RestoreThread(state_);
        } catch (...) {
            stay();
        }
    }

  private:
    [[noreturn]] static void stay() {
        for (;;)
            ::pause();
    }

    static bool finalizing() {
#if PY_VERSION_HEX >= 0x030d0000
        return Py_IsFinalizing();
#else
        return _Py_IsFinalizing();
#endif
    }

    PyThreadState* state_;
};

/// The same for a whole function.
using releases_gil = pybind11::call_guard<unlocked>;

} // namespace mad_python

#endif
