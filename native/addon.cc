// The border between C++ and JavaScript: implements lib/native.ts, and nothing but that. The only file that knows
// Node-API. Every function is called on the thread of its environment; workers come in through thread-safe functions,
// one call for many events.
// Before an environment's cleanup hooks run, its event loop turns once more: callbacks come, but JavaScript can't be
// run. What can't be thrown then is dropped, instead of ending the process.
#define NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS
#include <napi.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "engine/engine.h"
#include "engine/flat_event.h"
#include "fifo/fifo.h"
#include "fifo/pipe_watch.h"
#include "jobs/copy_job.h"
#include "jobs/packed.h"
#include "jobs/receive_job.h"
#include "jobs/release_job.h"
#include "jobs/volume_job.h"
#include "jobs/walk_job.h"
#include "lock/lock.h"
#include "notify/notify.h"
#include "peer/peer.h"
#include "sys/faults.h"
#include "tree/tree_job.h"
#include "watch/watcher.h"

namespace susten {

namespace {

// A watcher's callback's share: well below a millisecond's work.
constexpr size_t kEventsPerCall = 256;
// Watch events that may wait for the event loop; beyond, the kernel's queue fills and a scan makes up for it.
constexpr size_t kWatchEvents = 65'536;
constexpr size_t kMostThreads = 256;

// ---- Values ------------------------------------------------------------------------------------------------------

// One byte a character, see lib/bytes.ts.
std::string to_bytes(const Napi::Value &value) {
  size_t size = 0;
  if (napi_get_value_string_latin1(value.Env(), value, nullptr, 0, &size) != napi_ok) {
    throw Napi::TypeError::New(value.Env(), "a string was expected");
  }
  std::string bytes(size, '\0');
  napi_get_value_string_latin1(value.Env(), value, bytes.data(), size + 1, &size);
  return bytes;
}

Napi::Value from_bytes(Napi::Env env, const std::string &bytes) {
  napi_value value = nullptr;
  napi_create_string_latin1(env, bytes.data(), bytes.size(), &value);
  return {env, value};
}

int64_t to_int(const Napi::Value &value) {
  if (value.IsBigInt()) {
    bool lossless = false;
    return value.As<Napi::BigInt>().Int64Value(&lossless);
  }
  return value.ToNumber().Int64Value();
}

Napi::Number number(Napi::Env env, int64_t value) { return Napi::Number::New(env, static_cast<double>(value)); }

std::string error_code(const Error &error) { return error.code.empty() ? errno_name(error.number) : error.code; }

Napi::Object from_error(Napi::Env env, const Error &error) {
  Napi::Object object = Napi::Object::New(env);
  object["code"] = Napi::String::New(env, error_code(error));
  object["errno"] = number(env, error.number);
  object["syscall"] = Napi::String::New(env, error.syscall);
  object["path"] = from_bytes(env, error.path);
  if (!error.dest.empty()) object["dest"] = from_bytes(env, error.dest);
  return object;
}

// An exception with the same properties.
Napi::Error to_exception(Napi::Env env, const Error &error) {
  const std::string code = error_code(error);
  Napi::Error exception = Napi::Error::New(env, code + ": " + error.syscall);
  const Napi::Object properties = from_error(env, error);
  for (const char *name : {"code", "errno", "syscall", "path"}) exception.Set(name, properties.Get(name));
  return exception;
}

Napi::Object from_fingerprint(Napi::Env env, const Fingerprint &fingerprint) {
  Napi::Object object = Napi::Object::New(env);
  object["dev"] = Napi::BigInt::New(env, fingerprint.dev);
  object["ino"] = Napi::BigInt::New(env, fingerprint.ino);
  object["size"] = number(env, fingerprint.size);
  object["mtimeNs"] = Napi::BigInt::New(env, fingerprint.mtime_ns);
  object["ctimeNs"] = Napi::BigInt::New(env, fingerprint.ctime_ns);
  return object;
}

// The value of a property that is one of `names`, in the order of the enumeration.
template <typename Enum>
Enum to_enum(const Napi::Object &object, const char *property, std::initializer_list<const char *> names) {
  const std::string value = object.Get(property).ToString();
  uint8_t index = 0;
  for (const char *name : names) {
    if (value == name) return static_cast<Enum>(index);
    ++index;
  }
  throw Napi::TypeError::New(object.Env(), std::string("unknown value of ") + property + ": " + value);
}

Preserve to_preserve(const Napi::Object &object, const char *property) {
  return to_enum<Preserve>(object, property, {"keep", "try", "off"});
}

Existing to_existing(const Napi::Object &object) {
  return to_enum<Existing>(object, "existing", {"replace", "refuse", "skip", "version"});
}

CopyOptions to_options(const Napi::Object &object) {
  CopyOptions options;
  options.verify = to_enum<Verify>(object, "verify", {"none", "inline", "readback"});
  options.durability = to_enum<Durability>(object, "durability", {"none", "batch", "each"});
  options.strategy =
      to_enum<Strategy>(object, "strategy", {"auto", "reflink", "copy_file_range", "sendfile", "readwrite"});
  if (options.verify == Verify::in_line && options.strategy != Strategy::automatic &&
      options.strategy != Strategy::readwrite) {
    throw Napi::TypeError::New(object.Env(),
                               "verify 'inline' reads every byte: it needs strategy 'auto' or 'readwrite'");
  }
  options.uid = to_preserve(object, "uid");
  options.gid = to_preserve(object, "gid");
  options.mode = to_preserve(object, "mode");
  options.times = to_preserve(object, "times");
  options.xattrs = to_preserve(object, "xattrs");
  options.acls = to_preserve(object, "acls");
  return options;
}

std::vector<std::string> to_names(const Napi::Value &value) {
  std::vector<std::string> names;
  if (!value.IsArray()) return names;
  const auto array = value.As<Napi::Array>();
  names.reserve(array.Length());
  for (uint32_t i = 0; i < array.Length(); ++i) names.push_back(to_bytes(array.Get(i)));
  return names;
}

// A list of files, see lib/packed.ts: its parts follow the job among the arguments.
template <typename File>
void to_files(const Napi::CallbackInfo &info, bool unpack(const PackedFiles &, std::vector<File> &),
              std::vector<File> &files) {
  const std::string names = to_bytes(info[2]);
  const auto lengths = info[3].As<Napi::Uint32Array>();
  const auto flags = info[4].As<Napi::Uint8Array>();
  auto numbers = info[5].As<Napi::ArrayBuffer>();
  const PackedFiles packed{
      .names = names,
      .lengths = {lengths.Data(), lengths.ElementLength()},
      .flags = {flags.Data(), flags.ElementLength()},
      .numbers = {static_cast<const int64_t *>(numbers.Data()), numbers.ByteLength() / sizeof(int64_t)}};
  if (!unpack(packed, files)) throw Napi::TypeError::New(info.Env(), "a list of files is not whole");
}

// How many files a job has.
size_t count_files(const Napi::CallbackInfo &info) { return info[4].As<Napi::Uint8Array>().ElementLength(); }

ReceiveFile to_receive_file(const Napi::Object &object) {
  ReceiveFile file;
  file.target = to_bytes(object.Get("target"));
  file.dest = to_bytes(object.Get("dest"));
  file.existing = to_existing(object);
  if (!is_request_target(file.target)) {
    throw Napi::TypeError::New(object.Env(), "the target of a request must be an escaped path: " + file.target);
  }
  const Napi::Value expected = object.Get("expect");
  if (expected.IsObject()) {
    const auto copy = expected.As<Napi::Object>();
    file.expected = Expected{.size = to_int(copy.Get("size")), .mtime_ns = to_int(copy.Get("mtimeNs"))};
  }
  if (object.Get("size").IsNumber()) file.size = to_int(object.Get("size"));
  if (object.Get("digest").IsString()) file.digest = to_bytes(object.Get("digest"));
  if (object.Get("mtimeNs").IsBigInt()) file.mtime_ns = to_int(object.Get("mtimeNs"));
  return file;
}

// A whole number within bounds.
int64_t to_bounded(const Napi::Object &object, const char *property, int64_t least, int64_t most) {
  const Napi::Value value = object.Get(property);
  const int64_t whole = value.IsNumber() ? to_int(value) : least - 1;
  if (whole >= least && whole <= most) return whole;
  throw Napi::TypeError::New(object.Env(), std::string(property) + " must be a whole number from " +
                                               std::to_string(least) + " to " + std::to_string(most));
}

Ownership to_ownership(const Napi::Object &object) {
  constexpr int64_t kAnyMode = 0777;
  return {.uid = static_cast<uid_t>(to_bounded(object, "uid", 0, UINT32_MAX - 1)),
          .gid = static_cast<gid_t>(to_bounded(object, "gid", 0, UINT32_MAX - 1)),
          .mode = static_cast<mode_t>(to_bounded(object, "mode", 0, kAnyMode)),
          .directory_mode = static_cast<mode_t>(to_bounded(object, "directoryMode", 0, kAnyMode))};
}

std::optional<uid_t> to_directory_owner(const Napi::Object &object) {
  if (object.Get("directoryOwner").IsUndefined()) return std::nullopt;
  return static_cast<uid_t>(to_bounded(object, "directoryOwner", 0, UINT32_MAX - 1));
}

Server to_server(const Napi::Object &object) {
  const std::string host = to_bytes(object.Get("host"));
  const auto port = static_cast<uint16_t>(to_bounded(object, "port", 1, UINT16_MAX));
  Server server{.authority = authority_of(host, port), .addresses = {}};
  if (!is_request_target("/" + server.authority)) {
    throw Napi::TypeError::New(object.Env(), "not the name of a host: " + host);
  }
  for (const std::string &text : to_names(object.Get("addresses"))) {
    const std::optional<Address> address = address_of(text, port);
    if (!address) throw Napi::TypeError::New(object.Env(), "not a numeric address: " + text);
    server.addresses.push_back(*address);
  }
  return server;
}

std::string to_fields(const Napi::Value &value) {
  std::string fields;
  if (!value.IsArray()) return fields;
  const auto array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const std::vector<std::string> pair = to_names(array.Get(i));
    if (pair.size() != 2 || !is_free_field(pair[0], pair[1])) {
      throw Napi::TypeError::New(value.Env(), "a request can't have this header: " + (pair.empty() ? "" : pair[0]));
    }
    fields += pair[0] + ": " + pair[1] + "\r\n";
  }
  return fields;
}

ReceiveOptions to_receive_options(const Napi::Object &object) {
  constexpr int64_t kLongest = 86'400'000;
  constexpr int64_t kAnyMode = 0777;
  ReceiveOptions options;
  options.server = to_server(object);
  const auto timeouts = object.Get("timeouts").As<Napi::Object>();
  const auto time = [&](const char *name) {
    return std::chrono::milliseconds(to_bounded(timeouts, name, 1, kLongest));
  };
  options.timeouts = {.connect = time("connect"),
                      .header = time("header"),
                      .stall = time("stall"),
                      .least_bytes = to_bounded(timeouts, "leastBytes", 1, INT32_MAX)};
  options.fields = to_fields(object.Get("headers"));
  const auto owner = [&](const char *name, uint32_t &id) {
    if (object.Get(name).IsUndefined()) return Preserve::off;
    id = static_cast<uint32_t>(to_bounded(object, name, 0, UINT32_MAX - 1));
    return Preserve::keep;
  };
  options.copy.verify = Verify::none;
  options.copy.durability = to_enum<Durability>(object, "durability", {"none", "batch", "each"});
  options.copy.uid = owner("uid", options.uid);
  options.copy.gid = owner("gid", options.gid);
  options.mode = static_cast<mode_t>(to_bounded(object, "mode", 0, kAnyMode));
  options.directory_mode = static_cast<mode_t>(to_bounded(object, "directoryMode", 0, kAnyMode));
  options.digest = object.Get("digest").ToBoolean();
  options.resumes = to_bounded(object, "resumes", 0, INT32_MAX);
  return options;
}

Napi::Object from_progress(Napi::Env env, uint32_t job, const Progress &progress) {
  Napi::Object object = Napi::Object::New(env);
  object["type"] = Napi::String::New(env, "progress");
  object["job"] = number(env, job);
  object["files"] = number(env, progress.files);
  object["bytes"] = number(env, progress.bytes);
  object["failed"] = number(env, progress.failed);
  object["directories"] = number(env, progress.directories);
  object["symlinks"] = number(env, progress.symlinks);
  object["skipped"] = number(env, progress.skipped);
  return object;
}

Napi::Object from_volume(Napi::Env env, const Volume &volume) {
  Napi::Object object = Napi::Object::New(env);
  object["total"] = Napi::Number::New(env, static_cast<double>(volume.total));
  object["available"] = Napi::Number::New(env, static_cast<double>(volume.available));
  object["free"] = Napi::Number::New(env, static_cast<double>(volume.free));
  object["fill"] = Napi::Number::New(env, volume.fill);
  object["inodes"] = Napi::Number::New(env, static_cast<double>(volume.inodes));
  object["inodesAvailable"] = Napi::Number::New(env, static_cast<double>(volume.inodes_available));
  object["inodeFill"] = Napi::Number::New(env, volume.inode_fill);
  object["readOnly"] = Napi::Boolean::New(env, volume.read_only);
  object["fsType"] = from_bytes(env, volume.fs_type);
  object["mountPoint"] = from_bytes(env, volume.mount_point);
  object["mountSource"] = from_bytes(env, volume.mount_source);
  object["mountId"] = Napi::Number::New(env, static_cast<double>(volume.mount_id));
  object["dev"] = Napi::BigInt::New(env, volume.dev);
  object["identity"] = from_bytes(env, volume.identity);
  return object;
}

Napi::Array from_names(Napi::Env env, const std::vector<std::string> &names) {
  Napi::Array array = Napi::Array::New(env, names.size());
  for (uint32_t i = 0; i < names.size(); ++i) array[i] = from_bytes(env, names[i]);
  return array;
}

Napi::Array from_errors(Napi::Env env, const std::vector<Error> &errors) {
  Napi::Array array = Napi::Array::New(env, errors.size());
  for (uint32_t i = 0; i < errors.size(); ++i) array[i] = from_error(env, errors[i]);
  return array;
}

// ---- Events ------------------------------------------------------------------------------------------------------

const char *outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::created:
      return "created";
    case Outcome::replaced:
      return "replaced";
    case Outcome::unchanged:
      return "unchanged";
    case Outcome::versioned:
      return "versioned";
    case Outcome::skipped:
      return "skipped";
    case Outcome::failed:
      break;
  }
  return "failed";
}

const char *outcome_name(ReleaseOutcome outcome) {
  switch (outcome) {
    case ReleaseOutcome::released:
      return "released";
    case ReleaseOutcome::changed:
      return "changed";
    case ReleaseOutcome::busy:
      return "busy";
    case ReleaseOutcome::absent:
      return "absent";
    case ReleaseOutcome::already:
      return "already";
    case ReleaseOutcome::missing:
      return "missing";
    case ReleaseOutcome::kept:
      return "kept";
    case ReleaseOutcome::failed:
      break;
  }
  return "failed";
}

const char *outcome_name(ReceiveOutcome outcome) {
  switch (outcome) {
    case ReceiveOutcome::created:
      return "created";
    case ReceiveOutcome::replaced:
      return "replaced";
    case ReceiveOutcome::versioned:
      return "versioned";
    case ReceiveOutcome::skipped:
      return "skipped";
    case ReceiveOutcome::status:
      return "status";
    case ReceiveOutcome::unsupported:
      return "unsupported";
    case ReceiveOutcome::failed:
      break;
  }
  return "failed";
}

struct FromEvent {
  Napi::Env env;

  Napi::Object operator()(const FileEvent &event) const {
    const FileResult &result = event.result;
    Napi::Object object = Napi::Object::New(env);
    object["type"] = Napi::String::New(env, "file");
    object["job"] = number(env, event.job);
    object["index"] = number(env, event.index);
    object["name"] = from_bytes(env, event.name);
    object["outcome"] = Napi::String::New(env, outcome_name(result.outcome));
    object["bytes"] = number(env, result.bytes);
    if (!result.digest.empty()) object["digest"] = from_bytes(env, result.digest);
    if (event.index >= 0 && result.fingerprint) object["fingerprint"] = from_fingerprint(env, *result.fingerprint);
    if (result.mtime_ns) object["mtimeNs"] = Napi::BigInt::New(env, *result.mtime_ns);
    if (result.outcome == Outcome::failed) {
      object["error"] = from_error(env, result.error);
    } else {
      object["strategy"] = Napi::String::New(env, strategy_name(result.strategy));
    }
    if (!result.version.empty()) object["version"] = from_bytes(env, result.version);
    return object;
  }

  Napi::Object operator()(const ReleaseEvent &event) const {
    Napi::Object object = Napi::Object::New(env);
    object["type"] = Napi::String::New(env, "release");
    object["job"] = number(env, event.job);
    object["index"] = number(env, event.index);
    object["outcome"] = Napi::String::New(env, outcome_name(event.result.outcome));
    object["bytes"] = number(env, event.result.bytes);
    if (event.result.error.failed()) object["error"] = from_error(env, event.result.error);
    return object;
  }

  Napi::Object operator()(const ReceiveEvent &event) const {
    const ReceiveResult &result = event.result;
    Napi::Object object = Napi::Object::New(env);
    object["type"] = Napi::String::New(env, "receive");
    object["job"] = number(env, event.job);
    object["index"] = number(env, event.index);
    object["outcome"] = Napi::String::New(env, outcome_name(result.outcome));
    object["status"] = number(env, result.status);
    Napi::Array headers = Napi::Array::New(env, 2 * result.fields.size());
    uint32_t count = 0;
    for (const Field &field : result.fields) {
      headers[count++] = from_bytes(env, field.name);
      headers[count++] = from_bytes(env, field.value);
    }
    object["headers"] = headers;
    object["bytes"] = number(env, result.bytes);
    object["resumed"] = number(env, result.resumed);
    if (!result.digest.empty()) object["digest"] = from_bytes(env, result.digest);
    if (result.mtime_ns) object["mtimeNs"] = Napi::BigInt::New(env, *result.mtime_ns);
    if (!result.version.empty()) object["version"] = from_bytes(env, result.version);
    if (result.outcome == ReceiveOutcome::failed) object["error"] = from_error(env, result.error);
    return object;
  }

  Napi::Object operator()(const ProgressEvent &event) const { return from_progress(env, event.job, event.progress); }

  Napi::Object operator()(const FilterEvent &event) const {
    Napi::Object object = Napi::Object::New(env);
    object["type"] = Napi::String::New(env, "filter");
    object["job"] = number(env, event.job);
    object["question"] = number(env, event.question);
    object["src"] = from_names(env, event.src);
    object["dest"] = from_names(env, event.dest);
    return object;
  }

  Napi::Object operator()(const EntriesEvent &event) const {
    Napi::Object object = Napi::Object::New(env);
    object["type"] = Napi::String::New(env, "entries");
    object["job"] = number(env, event.job);
    Napi::Array names = Napi::Array::New(env, event.entries.size());
    Napi::Array fingerprints = Napi::Array::New(env, event.entries.size());
    for (uint32_t i = 0; i < event.entries.size(); ++i) {
      const Entry &entry = event.entries[i];
      names[i] = from_bytes(env, entry.name);
      fingerprints[i] = from_fingerprint(env, {.dev = entry.dev,
                                               .ino = entry.ino,
                                               .size = entry.size,
                                               .mtime_ns = entry.mtime_ns,
                                               .ctime_ns = entry.ctime_ns});
    }
    object["names"] = names;
    object["fingerprints"] = fingerprints;
    object["unreadable"] = from_errors(env, event.unreadable);
    return object;
  }

  Napi::Object operator()(const DoneEvent &event) const {
    Napi::Object object = Napi::Object::New(env);
    object["type"] = Napi::String::New(env, "done");
    object["job"] = number(env, event.job);
    if (event.progress) object["progress"] = from_progress(env, event.job, *event.progress);
    if (event.volume) object["volume"] = from_volume(env, *event.volume);
    if (event.error.failed()) object["error"] = from_error(env, event.error);
    return object;
  }

  Napi::Object operator()(const ClosedEvent & /*event*/) const { return Napi::Object::New(env); }
};

// ---- Engine ------------------------------------------------------------------------------------------------------

// What engine and watcher handles have in common. A handle belongs to a JavaScript object and to a thread-safe function
// with calls in its queue, which end in either order; the one that ends last frees it. Its threads end when it is
// closed, when the environment ends, or with the JavaScript object, whichever comes first.
struct Life {
  napi_env env = nullptr;
  int owners = 2;
  bool closed = false;
};

template <typename Handle>
void drop(Handle *handle) {
  if (--handle->life.owners == 0) delete handle;
}

// Runs when the environment ends. Hooks run in the reverse order of their making: before the thread-safe function's.
template <typename Handle>
void end_with_environment(void *data) {
  auto *handle = static_cast<Handle *>(data);
  if (!std::exchange(handle->life.closed, true)) handle->end();
}

// What belongs to the environment as a whole.
struct Environment {
  // Node's own, taken at loading: tests of embedding programs may put another in its place.
  Napi::FunctionReference set_immediate;
};

// Calls again on a later turn of the event loop. A call from inside the callback would be served in the same turn, up
// to a thousand times over.
template <typename Handle>
void call_later(Napi::Env env, Handle *handle) {
  ++handle->life.owners;
  const auto call = Napi::Function::New(env, [handle](const Napi::CallbackInfo &) {
    if (!handle->life.closed) handle->wake.NonBlockingCall();
    drop(handle);
  });
  env.GetInstanceData<Environment>()->set_immediate.Call({call});
}

template <typename Handle>
void dispose(Handle &handle) {
  if (std::exchange(handle.life.closed, true)) return;
  napi_remove_env_cleanup_hook(handle.life.env, end_with_environment<Handle>, &handle);
  handle.end();
}

// Gives an open handle to JavaScript.
template <typename Handle>
Napi::Value publish(Napi::Env env, Handle *handle) {
  handle->life.env = env;
  napi_add_env_cleanup_hook(env, end_with_environment<Handle>, handle);
  return Napi::External<Handle>::New(env, handle, [](Napi::Env, Handle *dead) {
    dispose(*dead);
    drop(dead);
  });
}

template <typename Handle, typename Wake>
Wake make_wake(Napi::Env env, const Napi::Value &callback, const char *name, Handle *handle) {
  return Wake::New(env, callback.As<Napi::Function>(), name, 0, 1, handle,
                   [](Napi::Env, void *, Handle *dead) { drop(dead); });
}

// A handle that never reached JavaScript: its thread-safe function frees it.
template <typename Handle>
void abandon(Handle *handle) {
  handle->life.closed = true;
  handle->life.owners = 1;
  handle->wake.Release();
}

struct EngineHandle;
void call_engine(Napi::Env env, Napi::Function callback, EngineHandle *handle, void *data);
using EngineWake = Napi::TypedThreadSafeFunction<EngineHandle, void, call_engine>;

// An engine with its way into JavaScript.
struct EngineHandle {
  EngineWake wake;
  std::unique_ptr<Engine> engine;
  std::vector<Napi::Promise::Deferred> closing;
  // Files of copies and releases not yet reported, for the queue's bound.
  std::unordered_map<uint32_t, size_t> waiting;
  size_t queued = 0;
  size_t queue_limit = 0;
  // Room for the events of a call. It belongs to the callback, which keeps it as long as there is one to call.
  std::span<FlatEvent> flat;
  Life life;

  // Ends the threads, then lets go of JavaScript: whoever calls a thread-safe function must be gone before it.
  void end() const {
    release_holds(engine->sys());
    engine->stop();
    wake.Release();
  }
};

void count_event(EngineHandle &handle, const Event &event) {
  const auto forget = [&](uint32_t job, size_t files) {
    const auto found = handle.waiting.find(job);
    if (found == handle.waiting.end()) return;
    files = std::min(files, found->second);
    handle.queued -= files;
    found->second -= files;
  };
  if (const auto *file = std::get_if<FileEvent>(&event)) forget(file->job, 1);
  if (const auto *file = std::get_if<ReleaseEvent>(&event)) forget(file->job, 1);
  if (const auto *file = std::get_if<ReceiveEvent>(&event)) forget(file->job, 1);
  if (const auto *done = std::get_if<DoneEvent>(&event)) {
    forget(done->job, SIZE_MAX);
    handle.waiting.erase(done->job);
  }
}

void call_engine(Napi::Env env, Napi::Function callback, EngineHandle *handle, void * /*data*/) {
  // Without an environment, or after the end: only queued calls are being dropped.
  if (static_cast<napi_env>(env) == nullptr || callback.IsEmpty() || handle->life.closed) return;
  const Napi::HandleScope scope(env);
  std::vector<Event> events;
  if (handle->engine->sink().take(events, handle->flat.size())) call_later(env, handle);
  Napi::Array others = Napi::Array::New(env);
  uint32_t count = 0;
  bool closed = false;
  for (const Event &event : events) {
    if (std::holds_alternative<ClosedEvent>(event)) {
      closed = true;
      continue;
    }
    count_event(*handle, event);
    FlatEvent &flat = handle->flat[count++];
    flat = flat_event(event);
    if (flat.kind == FlatKind::other) others[others.Length()] = std::visit(FromEvent{env}, event);
  }
  if (count > 0) callback.Call({number(env, count), others});
  if (!closed) return;
  dispose(*handle);
  for (const Napi::Promise::Deferred &deferred : handle->closing) deferred.Resolve(env.Undefined());
  handle->closing.clear();
}

EngineHandle &to_engine(const Napi::CallbackInfo &info) {
  if (!info[0].IsExternal()) throw Napi::TypeError::New(info.Env(), "an engine was expected");
  return *info[0].As<Napi::External<EngineHandle>>().Data();
}

std::unique_ptr<Sys> to_sys(const Napi::Object &options) {
  const Napi::Value value = options.Get("faults");
  if (!value.IsArray() || value.As<Napi::Array>().Length() == 0) return std::make_unique<Sys>();
  const auto array = value.As<Napi::Array>();
  std::vector<Fault> faults;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const auto object = array.Get(i).As<Napi::Object>();
    Fault fault{.call = object.Get("call").ToString(), .effect = object.Get("effect").ToString()};
    if (object.Has("at")) fault.at = to_int(object.Get("at"));
    if (object.Has("times")) fault.times = to_int(object.Get("times"));
    if (object.Has("delay")) fault.delay_ms = static_cast<int>(to_int(object.Get("delay")));
    faults.push_back(std::move(fault));
  }
  std::string problem;
  std::unique_ptr<Sys> sys = make_faulty_sys(faults, problem);
  if (!sys) throw Napi::TypeError::New(options.Env(), problem);
  return sys;
}

Napi::Value open_engine(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const auto options = info[0].As<Napi::Object>();
  auto handle = std::make_unique<EngineHandle>();
  handle->queue_limit = static_cast<size_t>(to_int(options.Get("queueLimit")));
  auto room = options.Get("events").As<Napi::ArrayBuffer>();
  handle->flat = {static_cast<FlatEvent *>(room.Data()), room.ByteLength() / sizeof(FlatEvent)};
  EngineOptions engine_options{.threads = std::clamp<size_t>(to_int(options.Get("threads")), 1, kMostThreads),
                               .nice = static_cast<int>(to_int(options.Get("nice"))),
                               .sys = to_sys(options),
                               .temp_tag = {}};
  if (options.Get("tempTag").IsString()) engine_options.temp_tag = to_bytes(options.Get("tempTag"));
  handle->wake = make_wake<EngineHandle, EngineWake>(env, options.Get("onEvents"), "susten", handle.get());
  EngineHandle *opened = handle.release();
  try {
    opened->engine = std::make_unique<Engine>(std::move(engine_options), [opened] { opened->wake.NonBlockingCall(); });
  } catch (const std::system_error &problem) {
    abandon(opened);
    throw to_exception(
        env, {.number = problem.code().value(), .code = {}, .syscall = "pthread_create", .path = {}, .dest = {}});
  }
  return publish(env, opened);
  // The last of its two owners frees the handle, see drop().
}  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks)

Napi::Value close_engine(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  EngineHandle &handle = to_engine(info);
  const Napi::Promise::Deferred deferred = Napi::Promise::Deferred::New(env);
  if (handle.life.closed) {
    deferred.Resolve(env.Undefined());
    return deferred.Promise();
  }
  handle.closing.push_back(deferred);
  handle.wake.Ref(env);  // the process waits for the end
  handle.engine->close(info[1].ToString().Utf8Value() == "cancel");
  return deferred.Promise();
}

void ref_engine(const Napi::CallbackInfo &info) {
  EngineHandle &handle = to_engine(info);
  if (handle.life.closed || !handle.closing.empty()) return;
  if (info[1].ToBoolean()) {
    handle.wake.Ref(info.Env());
  } else {
    handle.wake.Unref(info.Env());
  }
}

Napi::Value engine_threads(const Napi::CallbackInfo &info) {
  return number(info.Env(), static_cast<int64_t>(to_engine(info).engine->pool().alive()));
}

Napi::Value call_counts(const Napi::CallbackInfo &info) {
  Napi::Object counts = Napi::Object::New(info.Env());
  for (const CallCount &entry : count_calls(to_engine(info).engine->sys())) {
    counts[entry.call] = number(info.Env(), entry.count);
  }
  return counts;
}

void release_calls(const Napi::CallbackInfo &info) { release_holds(to_engine(info).engine->sys()); }

Napi::Value start_job(const Napi::CallbackInfo &info, EngineHandle &handle, const std::shared_ptr<Job> &job) {
  const uint32_t id = handle.life.closed ? 0 : handle.engine->start(job);
  if (id == 0) {
    throw to_exception(info.Env(),
                       {.number = 0, .code = "ERR_SUSTEN_CLOSED", .syscall = "submit", .path = {}, .dest = {}});
  }
  return number(info.Env(), id);
}

// A job larger than the whole queue is taken when nothing else is in it.
void check_queue(const Napi::CallbackInfo &info, const EngineHandle &handle, size_t files) {
  if (handle.queued == 0 || handle.queued + files <= handle.queue_limit) return;
  throw to_exception(info.Env(),
                     {.number = 0, .code = "ERR_SUSTEN_QUEUE_FULL", .syscall = "submit", .path = {}, .dest = {}});
}

// Starts a job whose files count for the queue.
Napi::Value start_queued(const Napi::CallbackInfo &info, EngineHandle &handle, const std::shared_ptr<Job> &job,
                         size_t files) {
  const Napi::Value id = start_job(info, handle, job);
  handle.waiting.emplace(id.ToNumber().Uint32Value(), files);
  handle.queued += files;
  return id;
}

Napi::Value copy_files(const Napi::CallbackInfo &info) {
  EngineHandle &handle = to_engine(info);
  const auto object = info[1].As<Napi::Object>();
  const size_t count = count_files(info);
  check_queue(info, handle, count);
  CopyRequest request{.src_root = to_bytes(object.Get("srcRoot")),
                      .dest_root = to_bytes(object.Get("destRoot")),
                      .src_identity = {},
                      .dest_identity = {},
                      .files = {},
                      .options = to_options(object.Get("options").As<Napi::Object>())};
  if (object.Get("srcIdentity").IsString()) request.src_identity = to_bytes(object.Get("srcIdentity"));
  if (object.Get("destIdentity").IsString()) request.dest_identity = to_bytes(object.Get("destIdentity"));
  const Napi::Value layout = object.Get("layout");
  if (layout.IsNumber()) request.layout = layout.As<Napi::Number>().Uint32Value();
  const Napi::Value as = object.Get("as");
  if (as.IsObject()) request.options.as = to_ownership(as.As<Napi::Object>());
  request.directory_owner = to_directory_owner(object);
  to_files(info, unpack_copies, request.files);
  return start_queued(info, handle, std::make_shared<CopyJob>(*handle.engine, std::move(request)), count);
}

Napi::Value release_files(const Napi::CallbackInfo &info) {
  EngineHandle &handle = to_engine(info);
  const auto object = info[1].As<Napi::Object>();
  ReleaseRequest request{.root = to_bytes(object.Get("root")),
                         .next_root = {},
                         .root_identity = {},
                         .next_identity = {},
                         .files = {},
                         .directories = to_names(object.Get("directories")),
                         .restore = to_names(object.Get("restore")),
                         .sync = to_enum<Durability>(object, "durability", {"none", "batch"}) != Durability::none};
  const size_t count = count_files(info) + request.directories.size();
  check_queue(info, handle, count);
  if (object.Get("rootIdentity").IsString()) request.root_identity = to_bytes(object.Get("rootIdentity"));
  if (object.Get("nextRoot").IsString()) request.next_root = to_bytes(object.Get("nextRoot"));
  if (object.Get("nextIdentity").IsString()) request.next_identity = to_bytes(object.Get("nextIdentity"));
  to_files(info, unpack_releases, request.files);
  for (const ReleaseFile &file : request.files) {
    if (file.by == ReleaseBy::link && file.link.empty()) {
      throw Napi::TypeError::New(info.Env(), "a release by 'link' needs the link's text");
    }
    if (file.vouched && file.by != ReleaseBy::remove) {
      throw Napi::TypeError::New(info.Env(), "only a release by 'delete' goes without a copy");
    }
  }
  return start_queued(info, handle, std::make_shared<ReleaseJob>(*handle.engine, std::move(request)), count);
}

Napi::Value receive_files(const Napi::CallbackInfo &info) {
  EngineHandle &handle = to_engine(info);
  const auto object = info[1].As<Napi::Object>();
  const auto files = object.Get("files").As<Napi::Array>();
  const size_t count = files.Length();
  check_queue(info, handle, count);
  ReceiveRequest request{.dest_root = to_bytes(object.Get("destRoot")),
                         .dest_identity = {},
                         .connections = kMostThreads,
                         .files = {},
                         .options = to_receive_options(object)};
  if (object.Get("destIdentity").IsString()) request.dest_identity = to_bytes(object.Get("destIdentity"));
  if (object.Get("layout").IsNumber()) request.layout = object.Get("layout").As<Napi::Number>().Uint32Value();
  request.directory_owner = to_directory_owner(object);
  if (object.Get("connections").IsNumber()) {
    request.connections = static_cast<size_t>(to_bounded(object, "connections", 1, kMostThreads));
  }
  request.files.reserve(count);
  for (uint32_t i = 0; i < count; ++i) request.files.push_back(to_receive_file(files.Get(i).As<Napi::Object>()));
  return start_queued(info, handle, std::make_shared<ReceiveJob>(*handle.engine, std::move(request)), count);
}

Napi::Value copy_tree(const Napi::CallbackInfo &info) {
  EngineHandle &handle = to_engine(info);
  const auto object = info[1].As<Napi::Object>();
  TreeRequest request{.src = to_bytes(object.Get("src")),
                      .dest = to_bytes(object.Get("dest")),
                      .options = to_options(object.Get("options").As<Napi::Object>()),
                      .existing = to_existing(object),
                      .dereference = object.Get("dereference").ToBoolean(),
                      .verbatim_symlinks = object.Get("verbatimSymlinks").ToBoolean(),
                      .stop_on_error = object.Get("stopOnError").ToBoolean(),
                      .filter = object.Get("filter").ToBoolean(),
                      .report_files = object.Get("reportFiles").ToBoolean()};
  return start_job(info, handle, std::make_shared<TreeJob>(*handle.engine, std::move(request)));
}

Napi::Value walk(const Napi::CallbackInfo &info) {
  EngineHandle &handle = to_engine(info);
  const auto object = info[1].As<Napi::Object>();
  return start_job(
      info, handle,
      std::make_shared<WalkJob>(*handle.engine, to_bytes(object.Get("root")), to_bytes(object.Get("below"))));
}

Napi::Value volume(const Napi::CallbackInfo &info) {
  EngineHandle &handle = to_engine(info);
  return start_job(info, handle, std::make_shared<VolumeJob>(*handle.engine, to_bytes(info[1])));
}

// Null if the job has ended meanwhile: answers to it come too late, and that is no error.
std::shared_ptr<Job> to_job(const Napi::CallbackInfo &info) {
  const EngineHandle &handle = to_engine(info);
  return handle.life.closed ? nullptr : handle.engine->job(info[1].ToNumber().Uint32Value());
}

void acknowledge(const Napi::CallbackInfo &info) {
  if (const auto job = to_job(info)) job->acknowledge();
}

void answer_filter(const Napi::CallbackInfo &info) {
  const auto job = to_job(info);
  if (!job) return;
  const auto bytes = info[3].As<Napi::Uint8Array>();
  std::vector<bool> accept(bytes.ElementLength());
  for (size_t i = 0; i < accept.size(); ++i) accept[i] = bytes[i] != 0;
  job->answer(info[2].ToNumber().Uint32Value(), accept);
}

void cancel(const Napi::CallbackInfo &info) {
  if (const auto job = to_job(info)) job->cancel();
}

// ---- Watcher -----------------------------------------------------------------------------------------------------

struct WatcherHandle;
void call_watcher(Napi::Env env, Napi::Function callback, WatcherHandle *handle, void *data);
using WatcherWake = Napi::TypedThreadSafeFunction<WatcherHandle, void, call_watcher>;

struct WatcherHandle {
  Sys sys;
  WatcherWake wake;
  std::mutex mutex;
  std::condition_variable room;
  std::deque<WatchEvent> events;
  bool awake = false;
  bool ending = false;
  bool stopped = false;
  std::unique_ptr<Watcher> watcher;
  std::thread stopper;
  std::vector<Napi::Promise::Deferred> closing;
  Life life;

  // On the watcher's thread.
  void push(std::vector<WatchEvent> &&more) {
    {
      std::unique_lock lock(mutex);
      room.wait(lock, [&] { return ending || events.size() < kWatchEvents; });
      if (ending) return;
      std::move(more.begin(), more.end(), std::back_inserter(events));
      if (std::exchange(awake, true)) return;
    }
    wake.NonBlockingCall();
  }

  // No events from now on.
  void hush() {
    {
      const std::lock_guard lock(mutex);
      ending = true;
      events.clear();
    }
    room.notify_all();
  }

  // Ends the watcher's thread on another one: the kernel takes its time to give up many watches.
  void stop_aside() {
    stopper = std::thread([this] {
      watcher->stop();
      {
        const std::lock_guard lock(mutex);
        stopped = true;
      }
      wake.NonBlockingCall();
    });
  }

  void end() {
    hush();
    if (stopper.joinable()) stopper.join();
    watcher->stop();
    wake.Release();
  }
};

const char *watch_kind(WatchKind kind) {
  switch (kind) {
    case WatchKind::closed:
      return "closed";
    case WatchKind::moved:
      return "moved";
    case WatchKind::found:
      return "found";
    case WatchKind::overflow:
      return "overflow";
    case WatchKind::limit:
      return "limit";
    case WatchKind::marked:
      return "marked";
    case WatchKind::gone:
      break;
  }
  return "gone";
}

void call_watcher(Napi::Env env, Napi::Function callback, WatcherHandle *handle, void * /*data*/) {
  if (static_cast<napi_env>(env) == nullptr || callback.IsEmpty() || handle->life.closed) return;
  const Napi::HandleScope scope(env);
  Napi::Array batch = Napi::Array::New(env);
  bool stopped = false;
  {
    const std::lock_guard lock(handle->mutex);
    stopped = handle->stopped;
    for (uint32_t i = 0; i < kEventsPerCall && !handle->events.empty(); ++i) {
      const WatchEvent &event = handle->events.front();
      Napi::Object object = Napi::Object::New(env);
      object["kind"] = Napi::String::New(env, watch_kind(event.kind));
      object["name"] = from_bytes(env, event.name);
      if (event.error.failed()) object["error"] = from_error(env, event.error);
      batch[i] = object;
      handle->events.pop_front();
    }
    handle->awake = !handle->events.empty();
    if (handle->awake) call_later(env, handle);
  }
  handle->room.notify_all();
  if (batch.Length() > 0) callback.Call({batch});
  if (!stopped) return;
  dispose(*handle);
  for (const Napi::Promise::Deferred &deferred : handle->closing) deferred.Resolve(env.Undefined());
  handle->closing.clear();
}

Napi::Value open_watcher(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const std::string root = to_bytes(info[0]);
  auto *opened = new WatcherHandle;
  opened->wake = make_wake<WatcherHandle, WatcherWake>(env, info[1], "susten watcher", opened);
  opened->watcher = std::make_unique<Watcher>(
      opened->sys, root, [opened](std::vector<WatchEvent> &&events) { opened->push(std::move(events)); });
  const Error error = opened->watcher->start();
  if (error.failed()) {
    abandon(opened);
    throw to_exception(env, error);
  }
  return publish(env, opened);
}

void mark_watcher(const Napi::CallbackInfo &info) {
  if (!info[0].IsExternal()) throw Napi::TypeError::New(info.Env(), "a watcher was expected");
  WatcherHandle &handle = *info[0].As<Napi::External<WatcherHandle>>().Data();
  if (!handle.life.closed && handle.closing.empty()) handle.watcher->mark();
}

Napi::Value close_watcher(const Napi::CallbackInfo &info) {
  const Napi::Promise::Deferred deferred = Napi::Promise::Deferred::New(info.Env());
  if (!info[0].IsExternal()) throw Napi::TypeError::New(info.Env(), "a watcher was expected");
  WatcherHandle &handle = *info[0].As<Napi::External<WatcherHandle>>().Data();
  if (handle.life.closed) {
    deferred.Resolve(info.Env().Undefined());
    return deferred.Promise();
  }
  handle.closing.push_back(deferred);
  if (handle.closing.size() == 1) {
    handle.hush();
    try {
      handle.stop_aside();
    } catch (const std::system_error &) {
      // No thread to be had: then it takes its time here.
      handle.watcher->stop();
      handle.stopped = true;
      handle.wake.NonBlockingCall();
    }
  }
  return deferred.Promise();
}

// ---- Lock --------------------------------------------------------------------------------------------------------

struct LockHandle {
  int fd = -1;

  void release() {
    if (fd >= 0) unlock_file(std::exchange(fd, -1));
  }
};

Napi::Value lock_file_named(const Napi::CallbackInfo &info) {
  auto handle = std::make_unique<LockHandle>();
  const Error error = lock_file(to_bytes(info[0]), handle->fd);
  if (error.failed()) throw to_exception(info.Env(), error);
  return Napi::External<LockHandle>::New(info.Env(), handle.release(), [](Napi::Env, LockHandle *dead) {
    dead->release();
    delete dead;
  });
}

void unlock_file_named(const Napi::CallbackInfo &info) {
  if (!info[0].IsExternal()) throw Napi::TypeError::New(info.Env(), "a lock was expected");
  info[0].As<Napi::External<LockHandle>>().Data()->release();
}

// ---- FIFOs and Unix sockets ----------------------------------------------------------------------------------------

void make_fifo_named(const Napi::CallbackInfo &info) {
  const Error error = make_fifo(to_bytes(info[0]), static_cast<mode_t>(to_int(info[1])));
  if (error.failed()) throw to_exception(info.Env(), error);
}

Napi::Value unread_bytes_of(const Napi::CallbackInfo &info) {
  int64_t bytes = 0;
  const Error error = unread_bytes(static_cast<int>(to_int(info[0])), bytes);
  if (error.failed()) throw to_exception(info.Env(), error);
  return number(info.Env(), bytes);
}

Napi::Value make_unnamed_pipe(const Napi::CallbackInfo &info) {
  int reader = -1, writer = -1;
  const Error error = make_pipe(reader, writer);
  if (error.failed()) throw to_exception(info.Env(), error);
  Napi::Object ends = Napi::Object::New(info.Env());
  ends["reader"] = number(info.Env(), reader);
  ends["writer"] = number(info.Env(), writer);
  return ends;
}

// From one descriptor to another, at most so many bytes; how many it were.
template <Error (*move)(int, int, size_t, size_t &)>
Napi::Value move_bytes(const Napi::CallbackInfo &info) {
  const auto fd = [&](size_t index) { return static_cast<int>(to_int(info[index])); };
  size_t bytes = 0;
  const Error error = move(fd(0), fd(1), static_cast<size_t>(to_int(info[2])), bytes);
  if (error.failed()) throw to_exception(info.Env(), error);
  return number(info.Env(), static_cast<int64_t>(bytes));
}

Napi::Value state_of_pipe(const Napi::CallbackInfo &info) {
  PipeState state;
  const Error error = pipe_state(static_cast<int>(to_int(info[0])), state);
  if (error.failed()) throw to_exception(info.Env(), error);
  Napi::Object object = Napi::Object::New(info.Env());
  object["isAbandoned"] = Napi::Boolean::New(info.Env(), state.abandoned);
  object["isUnheard"] = Napi::Boolean::New(info.Env(), state.unheard);
  object["isFull"] = Napi::Boolean::New(info.Env(), state.full);
  return object;
}

struct PipeWatchHandle;
void call_pipe_watch(Napi::Env env, Napi::Function callback, PipeWatchHandle *handle, void *data);
using PipeWatchWake = Napi::TypedThreadSafeFunction<PipeWatchHandle, void, call_pipe_watch>;

struct PipeWatchHandle {
  Sys sys;
  PipeWatchWake wake;
  // A call is on its way: it stands for all that happens until it comes.
  std::atomic<bool> awake = false;
  PipeWatch watch{sys};
  Life life;

  void end() {
    watch.stop();
    wake.Release();
  }
};

void call_pipe_watch(Napi::Env env, Napi::Function callback, PipeWatchHandle *handle, void * /*data*/) {
  if (static_cast<napi_env>(env) == nullptr || callback.IsEmpty() || handle->life.closed) return;
  const Napi::HandleScope scope(env);
  handle->awake = false;
  callback.Call({});
}

Napi::Value watch_pipe(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  auto *opened = new PipeWatchHandle;
  opened->wake = make_wake<PipeWatchHandle, PipeWatchWake>(env, info[1], "susten pipe", opened);
  const Error error = opened->watch.start(static_cast<int>(to_int(info[0])), [opened] {
    if (!opened->awake.exchange(true)) opened->wake.NonBlockingCall();
  });
  if (error.failed()) {
    abandon(opened);
    throw to_exception(env, error);
  }
  return publish(env, opened);
}

void unwatch_pipe(const Napi::CallbackInfo &info) {
  if (!info[0].IsExternal()) throw Napi::TypeError::New(info.Env(), "a pipe's watch was expected");
  dispose(*info[0].As<Napi::External<PipeWatchHandle>>().Data());
}

Napi::Value peer_of_socket(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  Peer peer;
  const Error error = peer_of(static_cast<int>(to_int(info[0])), peer);
  if (error.failed()) throw to_exception(env, error);
  Napi::Object object = Napi::Object::New(env);
  object["pid"] = number(env, peer.pid);
  object["uid"] = number(env, peer.uid);
  object["gid"] = number(env, peer.gid);
  Napi::Array groups = Napi::Array::New(env, peer.groups.size());
  for (uint32_t i = 0; i < peer.groups.size(); ++i) groups[i] = number(env, peer.groups[i]);
  object["groups"] = groups;
  return object;
}

void notify_supervisor(const Napi::CallbackInfo &info) {
  const int fd = info[2].IsUndefined() ? -1 : static_cast<int>(to_int(info[2]));
  const Error error = notify(to_bytes(info[0]), to_bytes(info[1]), fd);
  if (error.failed()) throw to_exception(info.Env(), error);
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  auto environment = std::make_unique<Environment>();
  environment->set_immediate = Napi::Persistent(env.Global().Get("setImmediate").As<Napi::Function>());
  env.SetInstanceData(environment.release());
  const auto add = [&](const char *name, auto function) { exports[name] = Napi::Function::New(env, function, name); };
  add("openEngine", open_engine);
  add("closeEngine", close_engine);
  add("refEngine", ref_engine);
  add("engineThreads", engine_threads);
  add("callCounts", call_counts);
  add("releaseCalls", release_calls);
  add("copyFiles", copy_files);
  add("releaseFiles", release_files);
  add("receiveFiles", receive_files);
  add("copyTree", copy_tree);
  add("walk", walk);
  add("volume", volume);
  add("acknowledge", acknowledge);
  add("answerFilter", answer_filter);
  add("cancel", cancel);
  add("openWatcher", open_watcher);
  add("markWatcher", mark_watcher);
  add("closeWatcher", close_watcher);
  add("lockFile", lock_file_named);
  add("unlockFile", unlock_file_named);
  add("makeFifo", make_fifo_named);
  add("unreadBytes", unread_bytes_of);
  add("makePipe", make_unnamed_pipe);
  add("teePipe", move_bytes<tee_pipe>);
  add("dropBytes", move_bytes<drop_bytes>);
  add("pipeState", state_of_pipe);
  add("watchPipe", watch_pipe);
  add("unwatchPipe", unwatch_pipe);
  add("peerOf", peer_of_socket);
  add("notify", notify_supervisor);
  return exports;
}

}  // namespace

}  // namespace susten

static Napi::Object init_susten(Napi::Env env, Napi::Object exports) { return susten::init(env, exports); }

NODE_API_MODULE(susten, init_susten)
