#ifndef MAD_HOST_HPP
#define MAD_HOST_HPP

// One host's health: samples, the parsers and rates they are made of, and their JSON.
#include <mad/host/client_id.hpp>
#include <mad/host/error.hpp>
#include <mad/host/identity.hpp>
#include <mad/host/json.hpp>
#include <mad/host/proc.hpp>
#include <mad/host/sample.hpp>
#include <mad/host/sampler.hpp>
#include <mad/host/sensor.hpp>

#endif
