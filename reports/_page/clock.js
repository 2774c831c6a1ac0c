/**
 * One clock for several clips. The clip that is heard leads and is never sped up or slowed down; the others are held to
 * it by small changes of speed. Where one cannot follow (it waits for data, was stopped, drifts), all stop, go to its
 * place, and start again together when each has its frame at hand.
 *
 * All clips sound, but only one loud enough to hear: browsers play a muted clip by a clock of its own, which starts up
 * to 0.1 s sooner than the sound card's and drifts from it.
 *
 * `players` are {video, broken, tile}; `changed` is called whenever the time or the state is another. Times in seconds.
 */
function clockOf(players, seconds, changed) {
  const apart = 0.05; // seconds off the clock that must not last
  const close = 0.02; // seconds off the clock that are left alone
  const lasting = 500; // ms for which a clip may be as far off, or more, before all come together again
  const stalled = 100; // ms from one frame to the next after which that is not waited for: the page stood still
  const patience = 5000; // ms that all wait for one clip; then they go on without it
  const quiet = 1e-5; // volume: -100 dB, less than a step of 16 bits
  let heard = null;
  let playing = false; // asked to play
  let going = false; // the clips move: false also while they wait for each other
  let speed = 1;
  let start = { time: 0, at: 0 }; // media time, and performance.now() then
  let begun = 0; // performance.now() at the last start
  let ticked = 0; // performance.now() at the last frame
  let measured = false; // how much sooner than the heard clip each has moved since the last start
  let turn = 0; // a newer start or stop makes older waits void

  const shown = () => players.filter((player) => !player.tile.hidden && !player.broken);
  const end = (player) => (Number.isFinite(player.video.duration) ? player.video.duration : seconds);
  const now = () => Math.min(seconds, going ? start.time + ((performance.now() - start.at) / 1000) * speed : start.time);
  const set = (time) => { start = { time: Math.max(0, Math.min(seconds, time)), at: performance.now() }; };
  const able = () => shown().filter((player) => !player.lost);
  const moving = () => able().filter((player) => !player.video.ended && now() < end(player) - 0.1); // a header may lie
  const within = (value, low, high) => Math.max(low, Math.min(high, value));

  /** Puts a clip at a time of the clock; a shorter clip waits at its end. */
  function put(player, time) {
    const to = Math.min(time, Math.max(0, end(player) - 0.001));
    if (Math.abs(player.video.currentTime - to) > 0.001) player.video.currentTime = to;
  }

  /** Waits until a clip has its frame at hand; one that takes too long is lost until it can play. */
  function ready(player) {
    const { video } = player;
    const there = () => player.broken || (!video.seeking && video.readyState >= 3);
    if (there()) return null;
    const events = ["canplay", "seeked", "error"];
    return new Promise((done) => {
      const look = () => { if (there()) leave(); };
      const leave = () => {
        clearTimeout(late);
        for (const event of events) video.removeEventListener(event, look);
        done();
      };
      const late = setTimeout(() => { player.lost = true; leave(); }, patience);
      for (const event of events) video.addEventListener(event, look);
    });
  }

  function halt() {
    turn += 1;
    going = false;
    for (const { video } of players) video.pause();
  }

  /** Brings all clips to one time, and starts them together when the slowest is there. */
  async function gather(time) {
    set(time);
    halt();
    const mine = turn;
    changed();
    for (const player of able()) {
      if (player.video.readyState === 0) { player.video.preload = "auto"; player.video.load(); }
      put(player, start.time);
    }
    await Promise.all(able().map(ready));
    for (const player of able()) put(player, start.time); // where the length was not known before
    await Promise.all(able().map(ready));
    if (mine !== turn) return;
    set(start.time);
    begun = ticked = performance.now();
    measured = false;
    going = true;
    const those = moving();
    for (const player of those) {
      const wait = those.includes(heard) && player !== heard ? player.ahead : 0;
      Object.assign(player, { off: 0, mending: 0, near: begun, due: wait > 0.01 });
      pace(player, player.pace);
      if (player.due) setTimeout(() => { if (mine === turn) run(player); }, 1000 * wait);
      else run(player);
    }
    requestAnimationFrame(() => tick(mine));
  }

  function run(player) {
    player.due = false;
    player.video.play().catch((error) => {
      if (error.name !== "NotAllowedError") return;
      if (player === heard || player.video.muted) { pause(); return; } // until a reader clicks
      player.video.muted = true; // a browser that lets one clip sound at a time
      if (going) run(player);
    });
  }

  /** Makes one clip heard, as loud as it is. */
  function hear(player) {
    heard = player;
    if (!player) return;
    player.pace = 1;
    pace(player, 1);
    for (const other of players) {
      const { video } = other;
      video.volume = other === player ? 1 : quiet;
      video.muted = other !== player && video.volume > 2 * quiet; // some browsers leave the volume to the device
      if (video.muted && !other.ahead) other.ahead = 0.08;
    }
  }

  function play() {
    if (playing || !shown().length) return;
    playing = true;
    for (const player of players) player.lost = false; // asked anew
    gather(start.time >= seconds - 0.02 ? 0 : start.time);
  }

  function pause() {
    if (!playing) return;
    set(now());
    playing = false;
    halt();
    for (const player of shown()) put(player, start.time);
    changed();
  }

  function seek(time) {
    if (playing) { gather(time); return; }
    set(time);
    for (const player of shown()) put(player, start.time);
    changed();
  }

  /** At each frame: the clock follows the clip that is heard, the others follow the clock. */
  function tick(mine) {
    if (mine !== turn) return;
    const those = moving().filter((player) => !player.due);
    if (those.includes(heard)) set(heard.video.currentTime);
    if (now() >= seconds - 0.005) {
      if (clock.loop) { gather(0); return; }
      pause();
      set(seconds);
      changed();
      return;
    }
    if (those.includes(heard) && !measured && performance.now() - begun > 150) {
      for (const player of those) {
        const off = player === heard ? 0 : player.video.currentTime - now();
        if (Math.abs(off) > apart || player.ahead > 0) player.ahead = within(player.ahead + (0.5 * off) / speed, 0, 0.15);
      }
      measured = true;
    }
    const stood = performance.now() - ticked > stalled && performance.now() - begun > lasting; // not at each slow frame
    ticked = performance.now();
    if (those.some((player) => late(player, stood))) {
      gather(Math.min(...those.map((player) => player.video.currentTime)));
      return;
    }
    changed();
    requestAnimationFrame(() => tick(mine));
  }

  /** Sets a clip's speed, in steps: each change makes a browser lose some hundredths of a second. */
  function pace(player, rate) {
    player.rate = Math.round(20 * rate) / 20;
    if (player.video.playbackRate !== player.rate * speed) player.video.playbackRate = player.rate * speed;
  }

  /** Holds one clip to the clock by its speed; true where that is not enough, or would take too long after a standstill. */
  function late(player, stood) {
    const { video } = player;
    if (video.paused || video.readyState < 3) return true;
    if (player === heard) return false;
    if (stood && Math.abs(video.currentTime - now()) > apart) return true;
    player.off += 0.5 * (video.currentTime - now() - player.off); // of two frames: one alone is noise
    const far = Math.abs(player.off);
    if (far < apart) player.near = performance.now();
    if (performance.now() - player.near > lasting) return true;
    if (player.mending && player.off * player.mending <= 0) { // it is there
      player.mending = 0;
      pace(player, player.pace);
    } else if (far > close) {
      player.mending = Math.sign(player.off);
      if (far < 2 * apart && performance.now() - begun > 200) player.pace = within(player.pace - 0.1 * player.off, 0.5, 2); // one that always runs late
      const wanted = player.pace - within(6 * player.off, -0.5, 0.5);
      if (Math.abs(wanted - player.rate) >= 0.1) pace(player, wanted);
    }
    return false;
  }

  for (const player of players) {
    Object.assign(player, { pace: 1, rate: 1, off: 0, mending: 0, near: 0, ahead: 0, lost: false });
    player.video.addEventListener("error", () => { player.broken = true; });
    player.video.addEventListener("canplay", () => {
      if (!player.lost) return;
      player.lost = false;
      seek(now()); // it joins the others
    });
  }
  const clock = {
    loop: false,
    now, play, pause, seek, hear, shown,
    toggle: () => (playing ? pause() : play()),
    playing: () => playing,
    waiting: () => playing && !going,
    speed: (value) => {
      set(now());
      speed = value;
      for (const player of players) pace(player, player.rate);
    },
  };
  return clock;
}
