//! The Lua scripts. Redis runs each one atomically. The time always comes in
//! as an argument, so that one clock rules; the expiry that Redis itself keeps
//! only tidies up and is a second longer than the meaning of the value.

use std::sync::LazyLock;

use redis::Script;

/// Milliseconds that Redis keeps a value beyond its meaning.
const SLACK_MS: i64 = 1_000;

/// The `PX` argument for a value that means something for `micros` more microseconds.
pub(crate) fn keep_ms(micros: i64) -> i64 {
    micros.max(0).div_euclid(1_000).saturating_add(SLACK_MS)
}

/// GCRA as in `Window::decide`. Arguments: now, step, capacity, cost. Answers
/// {allowed, base}.
pub(crate) static HIT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local now, step, capacity, cost =
  tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local full = now + capacity
local base = math.min(math.max(tonumber(redis.call('GET', KEYS[1]) or 0) or full, now), full)
local wanted = base + step * math.max(cost, 1)
if wanted > full then return {0, base} end
if cost > 0 then
  local keep = math.floor((wanted - now) / 1000) + 1000
  redis.call('SET', KEYS[1], string.format('%.0f', wanted), 'PX', string.format('%.0f', keep))
end
return {1, base}
",
    )
});

/// Arguments: now, end, keep. Answers 1 to the first caller. A value that is
/// not a number counts as used.
pub(crate) static SET_ONCE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local seen = redis.call('GET', KEYS[1])
if seen then
  local ends = tonumber(seen)
  if not ends or ends > tonumber(ARGV[1]) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
",
    )
});

/// Arguments: until, keep. Never shortens.
pub(crate) static REVOKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local old = tonumber(redis.call('GET', KEYS[1]) or 0) or 0
if old >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
",
    )
});

/// Arguments: now, holder, end, keep. The value is `end|holder`.
pub(crate) static LEASE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local held = redis.call('GET', KEYS[1])
if held then
  local ends, holder = string.match(held, '^(%d+)|(.*)$')
  if ends and tonumber(ends) > tonumber(ARGV[1]) and holder ~= ARGV[2] then return 0 end
end
redis.call('SET', KEYS[1], ARGV[3] .. '|' .. ARGV[2], 'PX', ARGV[4])
return 1
",
    )
});

/// Argument: holder. Answers 1 if the lease was the holder's.
pub(crate) static RELEASE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local held = redis.call('GET', KEYS[1])
if not held or string.match(held, '^%d+|(.*)$') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
return 1
",
    )
});
