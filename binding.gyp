# The same addon as CMakeLists.txt builds, for machines without CMake. `npm run sources` writes the list of sources.
{
  'targets': [{
    'target_name': 'susten',
    'sources': [
      'native/digest/digest.cc',
      'native/sys/sys.cc',
    ],
    'include_dirs': ['native'],
    'defines': [
      'NAPI_VERSION=8',
      'NODE_ADDON_API_DISABLE_DEPRECATED',
      '_FILE_OFFSET_BITS=64',
      '_FORTIFY_SOURCE=2',
    ],
    'cflags': [
      '-Wall', '-Wextra', '-Wpedantic', '-Wshadow', '-fstack-protector-strong',
      '-isystem', '<!(node --print "require(\'node-addon-api\').include_dir")',
      '-isystem', '<!(node --print "require(\'path\').dirname(require.resolve(\'xxhash-addon/package.json\')) + \'/xxHash\'")',
    ],
    'cflags!': ['-Wno-unused-parameter'],
    'cflags_cc!': ['-fno-exceptions', '-fno-rtti', '-std=gnu++17', '-std=gnu++20'],
    'cflags_cc': ['-std=c++20'],
    'ldflags': ['-static-libstdc++', '-static-libgcc', '-Wl,--as-needed', '-Wl,-z,relro,-z,now'],
  }],
}
