#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

// How bytes stand in fptrace's JSON. Only for .cc files, since nlohmann's header is heavy.

namespace fptrace {

// Keys stay in the order in which a person wants to read them.
using Json = nlohmann::ordered_json;

// A string that is not UTF-8 stands as readable() has it, and its exact bytes, in base64, under
// "KEY_bytes"; of a list with such a string all are there too.
void put(Json& to, const std::string& key, std::string_view bytes);
void put(Json& to, const std::string& key, const std::vector<std::string>& list);
void put_nonempty(Json& to, const std::string& key, std::string_view bytes);
void put_nonempty(Json& to, const std::string& key, const std::vector<std::string>& list);

// One line for each member, and for each element of a list, so that grep and diff are of use.
std::string lines(const Json& object);

}  // namespace fptrace
