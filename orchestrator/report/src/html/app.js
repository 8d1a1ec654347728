
'use strict';
// Draws the report from the JSON in this file. Remote text is only ever put on the page as text: every node is made
// by `el` or `svg` below, and there is no other way in.
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const { run, totals, rings, limits, causes, hosts: H, works, changes, values, strings } = data;
  const COUNT = H.name.length;
  // In the order of the report's numbers.
  const OUTCOMES = ['ok', 'rolled_back', 'conflict', 'failed', 'unreachable', 'indeterminate', 'not_started'];
  const TYPES = { 0: 'REG_NONE', 1: 'REG_SZ', 2: 'REG_EXPAND_SZ', 3: 'REG_BINARY', 4: 'REG_DWORD', 7: 'REG_MULTI_SZ', 11: 'REG_QWORD' };
  const ROW = 32;
  const PRINTED_ROWS = 2000;
  const CAUSES_AT_ONCE = 40;
  const $ = (id) => document.getElementById(id);
  const string = (number) => (number === null || number === undefined ? '' : strings[number]);
  const words = (code) => code.replaceAll('_', ' ');
  const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

  // --- nodes -------------------------------------------------------------------------------------------------------

  function put(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? '' : value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  }
  const el = (tag, attributes, ...children) => put(document.createElement(tag), attributes, children);
  const svg = (tag, attributes, ...children) => put(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
  const swatch = (outcome) => el('span', { class: `swatch o-${outcome}`, 'aria-hidden': 'true' });
  const badge = (outcome) => el('span', { class: 'pill' }, swatch(outcome), words(outcome));
  // Text in a script that runs from right to left must not reorder what stands beside it.
  const own = (text) => el('bdi', {}, text);

  // --- words and numbers -------------------------------------------------------------------------------------------

  const number = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ',');
  const counted = (n, noun) => `${number(n)} ${noun}${n === 1 ? '' : 's'}`;
  const percent = (n, of) => (of === 0 ? '' : `${(Math.round((n * 1000) / of) / 10).toLocaleString('en')} %`);
  const two = (n) => String(n).padStart(2, '0');

  function duration(ms) {
    if (ms === null || ms === undefined) return '';
    const s = Math.floor(ms / 1000);
    if (ms < 1000) return `${ms} ms`;
    if (s < 60) return `${(ms / 1000).toFixed(1)} s`;
    if (s < 3600) return `${Math.floor(s / 60)} min ${two(s % 60)} s`;
    if (s < 172800) return `${Math.floor(s / 3600)} h ${two(Math.floor(s / 60) % 60)} min`;
    return `${Math.floor(s / 86400)} d ${Math.floor(s / 3600) % 24} h`;
  }

  const parsed = (text) => (text ? Date.parse(text.replace(/(\.\d{3})\d+/, '$1')) : null);
  const ORIGIN = parsed(run.started);
  const day = (ms) => new Date(ms).toISOString().slice(0, 10);
  const clock = (ms) => new Date(ms).toISOString().slice(11, 19);
  const moment = (ms) => (ms === null ? '' : `${day(ms)} ${clock(ms)} UTC`);
  const at = (offset) => (offset === null || offset === undefined || ORIGIN === null ? '' : moment(ORIGIN + offset));

  // --- heading, facts, outcomes ------------------------------------------------------------------------------------

  const used = OUTCOMES.filter((outcome) => totals[outcome] > 0);

  function heading() {
    $('title').append(`${capital(words(run.verb))} of `, own(run.playbook), el('code', {}, run.id));
    const good = totals.ok + totals.rolled_back * (run.verb === 'rollback' ? 1 : 0);
    $('lead').append(
      el('strong', {}, capital(words(run.state))), run.simulated ? ' (rehearsal on simulated hosts)' : '',
      `: ${number(good)} of ${counted(totals.hosts, 'host')} as wanted, ${number(totals.changed)} changed`,
    );
    if (run.stop_text) {
      $('stop').append(el('strong', {}, 'Stopped:'), own(run.stop_text));
      $('stop').hidden = false;
    }
  }

  function facts() {
    const took = run.finished ? duration(parsed(run.finished) - ORIGIN) : '';
    const code = run.exit_code === null ? '' : `${run.exit_code}${run.exit_meaning ? `: ${run.exit_meaning}` : ''}`;
    const all = [
      ['Run', run.id, 'mono'],
      ['State', words(run.state)],
      ['Operator', run.operator],
      ['Reason', run.reason || 'none given'],
      ['Started', moment(ORIGIN)],
      ['Ended', run.finished ? `${moment(parsed(run.finished))} (after ${took})` : 'not ended'],
      ['Playbook', run.playbook],
      ['Takes back run', run.source_run, 'mono'],
      ['Waits for', run.waits_for, 'full'],
      ['Approved', run.approvals.map((one) => `ring ${one.ring} by ${one.operator}, ${moment(parsed(one.time))}`).join('; '), 'full'],
      ['Exit code', code, 'full'],
      ['Playbook SHA-256', run.playbook_sha256, 'mono full'],
      ['Plan SHA-256', run.plan_sha256, 'mono full'],
      ['Head of the event chain', run.chain_head, 'mono full'],
    ];
    for (const [name, value, kind] of all) {
      if (!value) continue;
      const mono = (kind || '').includes('mono') ? 'mono' : null;
      $('facts').append(el('div', { class: (kind || '').includes('full') ? 'full' : null }, el('dt', {}, name), el('dd', { class: mono }, own(value))));
    }
  }

  function outcomes() {
    $('bar').setAttribute('aria-label', used.map((outcome) => `${words(outcome)} ${number(totals[outcome])}`).join(', '));
    for (const outcome of used) {
      const part = el('span', { class: `o-${outcome}`, title: `${words(outcome)}: ${number(totals[outcome])}` });
      part.style.flexGrow = String(totals[outcome]);
      $('bar').append(part);
      $('legend').append(el('li', {}, el('button', {
        type: 'button', title: 'Show these hosts', onclick: () => show({ outcome }),
      }, swatch(outcome), words(outcome), el('b', {}, number(totals[outcome])), el('small', {}, percent(totals[outcome], totals.hosts)))));
    }
    $('legend').append(el('li', {}, el('button', {
      type: 'button', title: 'Show these hosts', onclick: () => show({ changed: '1' }),
    }, 'changed', el('b', {}, number(totals.changed)), el('small', {}, percent(totals.changed, totals.hosts)))));
  }

  // --- charts ------------------------------------------------------------------------------------------------------

  const GUTTER = 132;
  const ends = H.to.filter((to) => to !== null);
  const LENGTH = Math.max(1, run.finished && ORIGIN !== null ? parsed(run.finished) - ORIGIN : 0,
    ends.reduce((most, to) => Math.max(most, to), 0), ...rings.map((ring) => ring.to || ring.from || 0));

  function ticks(width) {
    const steps = [100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 108e5, 216e5, 432e5, 864e5, 1728e5, 6048e5];
    const step = steps.find((one) => LENGTH / one <= Math.max(2, width / 110)) || steps[steps.length - 1] * Math.ceil(LENGTH / steps[steps.length - 1] / 8);
    const found = [];
    for (let t = 0; t <= LENGTH; t += step) found.push(t);
    return found;
  }
  const tick = (t) => (t === 0 ? (ORIGIN === null ? '0' : `${clock(ORIGIN)} UTC`) : `+${duration(t).replace(/\.0 s$/, ' s').replace(/ 00 (s|min)$/, '')}`);

  function axis(drawing, width, height, x) {
    for (const t of ticks(width - GUTTER)) {
      drawing.append(svg('line', { class: 'rule', x1: x(t), x2: x(t), y1: 0, y2: height }));
      drawing.append(svg('text', { x: x(t), y: height + 16, 'text-anchor': t === 0 ? 'start' : 'middle' }, tick(t)));
    }
  }

  function short(text, most) {
    const letters = [...text];
    return letters.length > most ? `${letters.slice(0, most - 1).join('')}…` : text;
  }

  function gantt(width) {
    const step = 34;
    const height = rings.length * step;
    const x = (t) => GUTTER + (t / LENGTH) * (width - GUTTER - 8);
    const drawing = svg('svg', { viewBox: `0 0 ${width} ${height + 22}`, height: height + 22, role: 'img', 'aria-label': 'Start and end of each ring; the table below has the numbers' });
    axis(drawing, width, height, x);
    rings.forEach((ring, index) => {
      const y = index * step + 6;
      drawing.append(svg('text', { class: 'name', x: 0, y: y + 15 }, svg('title', {}, ring.name), short(ring.name, 18)));
      if (ring.from === null) {
        drawing.append(svg('text', { x: GUTTER, y: y + 15 }, 'not started'));
        return;
      }
      const from = x(ring.from);
      const length = Math.max(3, x(ring.to === null ? LENGTH : ring.to) - from);
      const group = svg('g', {}, svg('title', {}, `${ring.name}: ${at(ring.from)} to ${ring.to === null ? 'not ended' : at(ring.to)}`));
      let left = from;
      for (const outcome of OUTCOMES) {
        const part = (ring.totals[outcome] / Math.max(1, ring.totals.hosts)) * length;
        if (part > 0) group.append(svg('rect', { class: `o-${outcome}`, x: left, y, width: part, height: 22 }));
        left += part;
      }
      drawing.append(group);
      const label = `${counted(ring.totals.hosts, 'host')}${ring.to === null ? ', not ended' : ` in ${duration(ring.to - ring.from)}`}`;
      const room = width - from - length;
      if (room > 130) drawing.append(svg('text', { x: from + length + 8, y: y + 15 }, label));
      else if (length > 150) drawing.append(svg('text', { class: 'inside', x: from + 8, y: y + 15 }, label));
      else drawing.append(svg('text', { x: from - 8, y: y + 15, 'text-anchor': 'end' }, label));
    });
    $('gantt').replaceChildren(drawing);
  }

  // Ends of each outcome in order, so that "how many by then" is a search.
  const ended = OUTCOMES.map((_, outcome) => {
    const times = [];
    for (let host = 0; host < COUNT; host += 1) if (H.outcome[host] === outcome && H.to[host] !== null) times.push(H.to[host]);
    return Float64Array.from(times).sort();
  });
  function by(times, t) {
    let low = 0;
    let high = times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle] <= t) low = middle + 1; else high = middle;
    }
    return low;
  }

  function area(width) {
    const height = 190;
    const x = (t) => GUTTER + (t / LENGTH) * (width - GUTTER - 8);
    const y = (n) => height - (n / Math.max(1, totals.hosts)) * (height - 8);
    const drawing = svg('svg', { viewBox: `0 0 ${width} ${height + 22}`, height: height + 22, role: 'img', 'aria-label': 'Hosts ended over time, by outcome' });
    axis(drawing, width, height, x);
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      const n = Math.round(totals.hosts * share);
      if (share > 0 && n === Math.round(totals.hosts * (share - 0.25))) continue;
      drawing.append(svg('line', { class: 'rule', x1: GUTTER, x2: width - 8, y1: y(n), y2: y(n) }));
      drawing.append(svg('text', { x: GUTTER - 8, y: y(n) + 4, 'text-anchor': 'end' }, number(n)));
    }
    const samples = Math.max(60, Math.min(400, Math.floor((width - GUTTER) / 2)));
    const base = new Array(samples + 1).fill(0);
    OUTCOMES.forEach((outcome, index) => {
      if (ended[index].length === 0) return;
      const low = base.map((n, i) => `${x((i / samples) * LENGTH).toFixed(1)},${y(n).toFixed(1)}`).reverse();
      for (let i = 0; i <= samples; i += 1) base[i] += by(ended[index], (i / samples) * LENGTH);
      const high = base.map((n, i) => `${x((i / samples) * LENGTH).toFixed(1)},${y(n).toFixed(1)}`);
      drawing.append(svg('polygon', { class: `o-${outcome}`, points: high.concat(low).join(' ') }, svg('title', {}, words(outcome))));
    });
    const cross = svg('line', { class: 'cross', y1: 0, y2: height, visibility: 'hidden' });
    drawing.append(cross);
    drawing.addEventListener('pointermove', (event) => {
      const box = drawing.getBoundingClientRect();
      const t = Math.min(LENGTH, Math.max(0, ((event.clientX - box.left - GUTTER) / (width - GUTTER - 8)) * LENGTH));
      cross.setAttribute('visibility', 'visible');
      cross.setAttribute('x1', x(t));
      cross.setAttribute('x2', x(t));
      const parts = OUTCOMES.map((outcome, index) => [outcome, by(ended[index], t)]).filter(([, n]) => n > 0);
      const sum = parts.reduce((all, [, n]) => all + n, 0);
      $('readout').textContent = `${at(t)} (+${duration(Math.round(t))}): ${number(sum)} ended${parts.length ? `: ${parts.map(([outcome, n]) => `${number(n)} ${words(outcome)}`).join(', ')}` : ''}`;
    });
    $('ended').replaceChildren(drawing);
  }

  let drawn = 0;
  function charts(force) {
    const width = Math.max(320, $('gantt').clientWidth);
    if (width === drawn && !force) return;
    drawn = width;
    gantt(width);
    area(width);
  }

  // --- tables of rings and limits, causes --------------------------------------------------------------------------

  function head(table, names) {
    table.append(el('thead', {}, el('tr', {}, ...names.map(([name, num, kind]) => el('th', { scope: 'col', class: num ? 'num' : kind }, name)))));
  }

  function ringTable() {
    head($('rings'), [['Ring'], ['Hosts', 1], ['At once', 1], ['Changed', 1], ...used.map((outcome) => [words(outcome), 1]), ['Started (UTC)', 0, 'time'], ['Ended (UTC)', 0, 'time'], ['Took', 1]]);
    const row = (kind, name, of, from, to, atOnce) => el('tr', { class: kind },
      el('td', {}, name), el('td', { class: 'num' }, number(of.hosts)), el('td', { class: 'num' }, atOnce), el('td', { class: 'num' }, number(of.changed)),
      ...used.map((outcome) => el('td', { class: 'num' }, number(of[outcome]))),
      el('td', { class: 'time' }, at(from).replace(' UTC', '')), el('td', { class: 'time' }, at(to).replace(' UTC', '')),
      el('td', { class: 'num' }, from === null || to === null ? '' : duration(to - from)));
    const body = el('tbody');
    for (const ring of rings) body.append(row(null, own(ring.name), ring.totals, ring.from, ring.to, number(ring.max_parallel)));
    const end = run.finished && ORIGIN !== null ? parsed(run.finished) - ORIGIN : null;
    if (rings.length > 1) body.append(row('sum', 'whole run', totals, ORIGIN === null ? null : 0, end, ''));
    $('rings').append(body);
  }

  function limitTable() {
    head($('limits'), [['Scope'], ['Limit'], ['Formula'], ['Counted', 1], ['']]);
    const row = (scope, name, formula, count, mark, kind) => el('tr', {}, el('td', {}, own(scope)), el('td', {}, el('code', {}, name)),
      el('td', {}, own(formula)), el('td', { class: 'num' }, count), el('td', { class: kind }, mark));
    $('limits').append(el('tbody', {},
      ...limits.map((limit) => row(limit.scope, limit.name, limit.formula, number(limit.count), limit.breached ? 'breached' : 'kept', limit.breached ? 'breached' : 'muted')),
      ...rings.map((ring) => row(`ring ${ring.name}`, 'on_breach', words(ring.on_breach), '', '', null)),
      ...rings.filter((ring) => ring.gates.length).map((ring) => row(`ring ${ring.name}`, 'gates', ring.gates.join('; '), '', '', null))));
  }

  // What is not known of a component stands beside what is: a run does not read every store.
  function proxyTables() {
    const { components, conflicts } = data.proxies;
    if (components.every((one) => one.roads.length === 0)) return;
    $('proxies-card').hidden = false;
    head($('proxies'), [['Component'], ['Proxy'], ['Hosts', 1]]);
    const row = (title, road, hosts, kind) => el('tr', {}, el('td', {}, title), el('td', { class: kind }, own(road)), el('td', { class: 'num' }, number(hosts)));
    $('proxies').append(el('tbody', {}, ...components.flatMap((one) => [
      ...one.roads.map((road, index) => row(index === 0 ? one.title : '', road.road, road.hosts)),
      one.others ? row('', 'others', one.others) : null,
      one.unknown ? row(one.roads.length ? '' : one.title, 'not known: not read by this run', one.unknown, 'muted') : null,
    ])));
    if (conflicts.length === 0) return;
    head($('conflicts'), [['Found'], [''], ['What'], ['Hosts', 1]]);
    $('conflicts').append(el('tbody', {}, ...conflicts.map((one) => el('tr', {}, el('td', {}, one.weight), el('td', {}, el('code', {}, one.name)),
      el('td', {}, one.about), el('td', { class: 'num' }, number(one.hosts))))));
  }

  function notDone() {
    if (data.not_done.length === 0) return;
    $('not-done-card').hidden = false;
    head($('not-done'), [['What'], ['Name'], ['Why'], ['Hosts', 1]]);
    const what = { step: 'step left out', probe: 'not proved', ring: 'gate passed with nothing proved', proxy: 'proxy written untried' };
    const unnamed = { probe: 'no probe was asked' };
    $('not-done').append(el('tbody', {}, ...data.not_done.map((one) => el('tr', {}, el('td', {}, what[one.kind]),
      el('td', {}, own(one.name ?? unnamed[one.kind] ?? '')), el('td', {}, own(one.cause)), el('td', { class: 'num' }, number(one.hosts))))));
  }

  function causeList() {
    if (causes.length === 0) return;
    $('causes-card').hidden = false;
    someCauses(0);
  }

  // Hosts that each complain in other words are as many causes as hosts.
  function someCauses(first) {
    causes.slice(first, first + CAUSES_AT_ONCE).forEach((cause, place) => {
      const index = first + place;
      const names = cause.hosts.slice(0, 3).map((host) => H.name[host]).join(', ');
      const more = cause.hosts.length > 3 ? ` and ${number(cause.hosts.length - 3)} more` : '';
      $('causes').append(el('li', {},
        el('div', { class: 'n' }, number(cause.hosts.length), el('small', {}, cause.hosts.length === 1 ? 'host' : 'hosts')),
        el('div', {},
          el('p', { class: 'what' }, badge(cause.outcome), ' ', cause.reason ? el('code', {}, cause.reason) : null),
          cause.detail === null ? null : el('p', {}, own(string(cause.detail))),
          cause.remedy === null ? null : el('p', { class: 'remedy' }, own(string(cause.remedy))),
          el('p', { class: 'eg' }, own(names + more))),
        el('button', { type: 'button', onclick: () => show({ cause: index }) }, 'Show hosts')));
    });
    const left = causes.length - first - CAUSES_AT_ONCE;
    if (left <= 0) return;
    const more = el('li', { class: 'more' }, el('button', {
      type: 'button', onclick: () => { more.remove(); someCauses(first + CAUSES_AT_ONCE); },
    }, `Show more (${counted(left, 'further cause')})`));
    $('causes').append(more);
  }

  // --- the table of hosts ------------------------------------------------------------------------------------------

  const lower = strings.map((text) => text.toLowerCase());
  const names = H.name.map((text) => text.toLowerCase());
  const ringNames = rings.map((ring) => ring.name.toLowerCase());
  // What can be found in the values of a host; hosts with equal work share it.
  const workText = works.map((steps) => steps.map((step) => [step[0], step[2], ...step[3].flatMap((change) => {
    const [target, wanted, before, after] = changes[change];
    return [target, wanted, values[before][0], after === null ? null : values[after][0]];
  })].map((text) => (text === null ? '' : lower[text])).join('\n')).join('\n'));
  const causeOf = new Int32Array(COUNT).fill(-1);
  causes.forEach((cause, index) => cause.hosts.forEach((host) => { causeOf[host] = index; }));
  const took = H.from.map((from, host) => (from === null || H.to[host] === null ? null : H.to[host] - from));
  const why = (host) => [string(H.reason[host]), string(H.detail[host])].filter(Boolean).join(': ');

  const collator = new Intl.Collator('en', { numeric: true });
  let order = null;
  function nameOrder() {
    if (order === null) {
      order = new Float64Array(COUNT);
      names.map((_, host) => host).sort((a, b) => collator.compare(names[a], names[b])).forEach((host, rank) => { order[host] = rank; });
    }
    return order;
  }
  const COLUMNS = [
    { id: 'name', title: 'Host', key: (host) => nameOrder()[host], cell: (host) => el('span', { class: 'name' }, own(H.name[host])) },
    { id: 'ring', title: 'Ring', key: (host) => H.ring[host], cell: (host) => own(rings[H.ring[host]] ? rings[H.ring[host]].name : '') },
    { id: 'outcome', title: 'Outcome', kind: 'word', key: (host) => H.outcome[host], cell: (host) => [swatch(OUTCOMES[H.outcome[host]]), words(OUTCOMES[H.outcome[host]])] },
    { id: 'changed', title: 'Changed', key: (host) => H.changed[host], cell: (host) => (H.changed[host] ? 'yes' : 'no') },
    { id: 'cause', title: 'Cause', text: true, key: why, cell: (host) => own(why(host)) },
    { id: 'ended', title: 'Ended', kind: 'num', key: (host) => H.to[host], cell: (host) => (H.to[host] === null || ORIGIN === null ? '' : clock(ORIGIN + H.to[host])) },
    { id: 'took', title: 'Took', kind: 'num', key: (host) => took[host], cell: (host) => duration(took[host]) },
    { id: 'requests', title: 'Requests', kind: 'num', key: (host) => H.requests[host], cell: (host) => number(H.requests[host]) },
  ];

  const filter = { search: '', ring: '', outcome: '', changed: '', cause: '' };
  let sorting = { column: null, down: false };
  let shown = [];
  let active = -1;

  function matches() {
    const terms = filter.search.toLowerCase().split(/\s+/).filter(Boolean);
    const ring = filter.ring === '' ? -1 : Number(filter.ring);
    const outcome = OUTCOMES.indexOf(filter.outcome);
    const cause = filter.cause === '' ? -1 : Number(filter.cause);
    const found = [];
    for (let host = 0; host < COUNT; host += 1) {
      if (ring >= 0 && H.ring[host] !== ring) continue;
      if (outcome >= 0 && H.outcome[host] !== outcome) continue;
      if (filter.changed !== '' && String(H.changed[host]) !== filter.changed) continue;
      if (cause >= 0 && causeOf[host] !== cause) continue;
      const has = (term) => names[host].includes(term)
        || (H.detail[host] !== null && lower[H.detail[host]].includes(term))
        || (H.reason[host] !== null && lower[H.reason[host]].includes(term))
        || (H.remedy[host] !== null && lower[H.remedy[host]].includes(term))
        || (H.auth[host] !== null && lower[H.auth[host]].includes(term))
        || (ringNames[H.ring[host]] || '').includes(term)
        || workText[H.work[host]].includes(term);
      if (terms.every(has)) found.push(host);
    }
    return found;
  }

  function sorted(found) {
    const column = COLUMNS.find((one) => one.id === sorting.column);
    if (!column) return found;
    const sign = sorting.down ? -1 : 1;
    const keys = new Map(found.map((host) => [host, column.key(host)]));
    const empty = (key) => key === null || key === undefined || key === '';
    return found.sort((a, b) => {
      const [x, y] = [keys.get(a), keys.get(b)];
      // Hosts without the value stand last in either direction.
      if (empty(x) || empty(y)) return empty(x) - empty(y) || a - b;
      return sign * (column.text ? collator.compare(x, y) : x - y) || a - b;
    });
  }

  function update(keep) {
    const host = keep && active >= 0 ? shown[active] : null;
    shown = sorted(matches());
    active = host === null ? (shown.length ? 0 : -1) : shown.indexOf(host);
    $('count').textContent = shown.length === COUNT ? counted(COUNT, 'host') : `${number(shown.length)} of ${counted(COUNT, 'host')}`;
    $('grid').setAttribute('aria-rowcount', shown.length + 1);
    $('clear').hidden = Object.values(filter).every((value) => value === '');
    const cause = filter.cause === '' ? null : causes[Number(filter.cause)];
    $('chip').hidden = cause === null;
    $('chip').replaceChildren(...(cause === null ? [] : ['only one cause: ', own([words(cause.outcome), cause.reason].filter(Boolean).join(': '))]));
    for (const id of ['ring', 'outcome', 'changed']) $(id).value = filter[id];
    $('space').style.height = `${Math.max(1, shown.length) * ROW}px`;
    if (!keep) $('scroll').scrollTop = 0;
    rows();
  }

  function line(index) {
    const host = shown[index];
    const node = el('div', {
      class: index === active ? 'row body active' : 'row body', role: 'row', id: `row-${index}`, 'aria-rowindex': index + 2, 'aria-selected': index === active ? 'true' : 'false',
      'data-index': index,
    }, ...COLUMNS.map((column) => {
      const cell = el('div', { role: 'gridcell', class: column.kind });
      cell.append(...[column.cell(host)].flat());
      if (column.text && cell.textContent) cell.title = cell.textContent;
      return cell;
    }));
    node.style.top = `${index * ROW}px`;
    return node;
  }

  // Only the rows in sight exist.
  function rows(all) {
    const box = $('scroll');
    const first = all ? 0 : Math.max(0, Math.floor(box.scrollTop / ROW) - 8);
    const last = all ? Math.min(shown.length, PRINTED_ROWS) : Math.min(shown.length, Math.ceil((box.scrollTop + box.clientHeight) / ROW) + 8);
    const nodes = [];
    for (let index = first; index < last; index += 1) nodes.push(line(index));
    if (shown.length === 0) nodes.push(el('p', { class: 'none' }, 'No host matches.'));
    if (all && last < shown.length) nodes.push(el('p', { class: 'none' }, `… and ${counted(shown.length - last, 'host')} more in the file`));
    $('space').replaceChildren(...nodes);
    if (active >= first && active < last) $('grid').setAttribute('aria-activedescendant', `row-${active}`);
    else $('grid').removeAttribute('aria-activedescendant');
  }

  let asked = false;
  function later() {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; rows(); });
  }

  function go(index) {
    if (shown.length === 0) return;
    active = Math.min(shown.length - 1, Math.max(0, index));
    const box = $('scroll');
    const top = active * ROW;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + ROW > box.scrollTop + box.clientHeight) box.scrollTop = top + ROW - box.clientHeight;
    rows();
    if (!$('detail').hidden) detail();
  }

  // Shows the hosts of a legend entry or cause: what else was filtered no longer counts.
  function show(wanted) {
    Object.assign(filter, { search: '', ring: '', outcome: '', changed: '', cause: '' }, wanted);
    filter.cause = String(filter.cause);
    $('search').value = filter.search;
    update();
    $('hosts').scrollIntoView({ block: 'start' });
    $('grid').focus({ preventScroll: true });
  }

  function sortBy(column) {
    const same = sorting.column === column.id;
    sorting = same && sorting.down ? { column: null, down: false } : { column: column.id, down: same };
    for (const cell of $('head').children) {
      const mine = cell.dataset.column === sorting.column;
      cell.setAttribute('aria-sort', mine ? (sorting.down ? 'descending' : 'ascending') : 'none');
    }
    update();
  }

  function table() {
    for (const column of COLUMNS) {
      $('head').append(el('div', { role: 'columnheader', class: column.kind === 'num' ? 'num' : null, 'aria-sort': 'none', 'data-column': column.id },
        el('button', { type: 'button', onclick: () => sortBy(column) }, column.title)));
    }
    $('ring').append(el('option', { value: '' }, 'all'), ...rings.map((ring, index) => el('option', { value: index }, ring.name)));
    $('outcome').append(el('option', { value: '' }, 'all'), ...used.map((outcome) => el('option', { value: outcome }, words(outcome))));
    $('search').addEventListener('input', () => { filter.search = $('search').value; update(); });
    for (const id of ['ring', 'outcome', 'changed']) $(id).addEventListener('change', () => { filter[id] = $(id).value; update(); });
    $('clear').addEventListener('click', () => { show({}); $('search').focus(); });
    $('scroll').addEventListener('scroll', () => {
      // The heading follows sideways.
      $('head').scrollLeft = $('scroll').scrollLeft;
      later();
    }, { passive: true });
    $('space').addEventListener('click', (event) => {
      const row = event.target.closest('.row.body');
      if (!row) return;
      active = Number(row.dataset.index);
      rows();
      $('grid').focus({ preventScroll: true });
      detail();
    });
    $('grid').addEventListener('keydown', keys);
    update();
  }

  function keys(event) {
    if (event.target !== $('grid') || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor($('scroll').clientHeight / ROW) - 1);
    const to = { ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + page, PageUp: active - page, Home: 0, End: shown.length - 1 }[event.key];
    if (to !== undefined) go(to);
    else if ((event.key === 'Enter' || event.key === ' ') && active >= 0) { detail(); $('detail').focus(); }
    else return;
    event.preventDefault();
  }

  // --- one host ----------------------------------------------------------------------------------------------------

  function valueNode(index, differs) {
    if (index === null) return el('dd', {}, 'unknown');
    const [text, type, bytes] = values[index];
    const known = type === null ? null : TYPES[type] || `type ${type}`;
    return el('dd', {}, el('span', { class: differs ? 'differs' : null }, own(string(text))),
      known === null ? null : el('span', { class: 'bytes' }, `${known} (${type}), ${counted((bytes || '').length / 2, 'byte')}: ${bytes}`));
  }

  function changeNode(index) {
    const [target, wanted, before, after] = changes[index];
    const differs = before !== after;
    return el('div', { class: 'change' }, el('p', { class: 'target' }, own(string(target))), el('dl', { class: 'values' },
      el('dt', {}, 'Wanted'), el('dd', {}, own(string(wanted))),
      el('dt', {}, 'Before'), valueNode(before, false),
      el('dt', {}, 'After'), valueNode(after, differs)));
  }

  function detail() {
    const host = shown[active];
    if (host === undefined) return;
    const outcome = OUTCOMES[H.outcome[host]];
    const facts = [
      ['Ring', rings[H.ring[host]] ? rings[H.ring[host]].name : ''], ['Changed', H.changed[host] ? 'yes' : 'no'],
      ['Started', at(H.from[host])], ['Ended', at(H.to[host])], ['Took', duration(took[host])],
      ['Logged on with', string(H.auth[host])], ['Machine id', string(H.machine[host])],
      ['Connections', number(H.attempts[host])], ['Sought again', H.retries[host] ? counted(H.retries[host], 'time') : ''],
      ['Cost', H.requests[host] ? `${counted(H.requests[host], 'request')}, ${counted(H.bytes[host], 'byte')}` : ''],
    ];
    const steps = works[H.work[host]].map(([name, state, note, list]) => el('section', { class: 'step' },
      el('h3', {}, own(string(name)), el('span', { class: 'pill' }, words(state))),
      note === null ? null : el('p', { class: 'muted' }, own(string(note))),
      ...list.map(changeNode)));
    $('detail').replaceChildren(
      el('header', {},
        el('div', {}, el('h2', {}, own(H.name[host])), badge(outcome), H.settled[host] ? null : el('span', { class: 'muted' }, ' as far as known: the host has not ended')),
        el('div', { class: 'nav' },
          el('button', { type: 'button', 'aria-label': 'Previous host', onclick: () => go(active - 1) }, '↑'),
          el('button', { type: 'button', 'aria-label': 'Next host', onclick: () => go(active + 1) }, '↓'),
          el('button', { type: 'button', id: 'close', onclick: close }, 'Close'))),
      why(host) ? el('div', { class: 'banner bad' }, own(why(host)), H.remedy[host] === null ? null : el('p', {}, own(string(H.remedy[host])))) : '',
      el('dl', { class: 'facts' }, ...facts.filter(([, value]) => value).map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, own(value))))),
      ...(steps.length ? steps : [el('p', { class: 'muted' }, 'Nothing was read on this host.')]));
    $('detail').hidden = false;
    $('detail').scrollTop = 0;
  }

  function close() {
    $('detail').hidden = true;
    $('grid').focus({ preventScroll: true });
  }

  // --- the whole page ----------------------------------------------------------------------------------------------

  function page() {
    document.addEventListener('keydown', (event) => {
      const typing = ['INPUT', 'SELECT', 'TEXTAREA'].includes(event.target.tagName);
      if (event.key === 'Escape' && !$('detail').hidden) close();
      else if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey) $('search').focus();
      else return;
      event.preventDefault();
    });
    const themes = ['auto', 'light', 'dark'];
    $('theme').addEventListener('click', () => {
      const now = document.documentElement.dataset.theme || 'auto';
      const next = themes[(themes.indexOf(now) + 1) % themes.length];
      if (next === 'auto') delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = next;
      $('theme').textContent = `Colours: ${next}`;
      $('theme').setAttribute('aria-label', `Colours: ${next === 'auto' ? 'as the system' : next}`);
    });
    $('print').addEventListener('click', () => window.print());
    window.addEventListener('beforeprint', () => rows(true));
    window.addEventListener('afterprint', () => rows());
    new ResizeObserver(() => { charts(); later(); }).observe(document.querySelector('main'));
    $('foot').append(`Made by ${run.program}. All times are UTC. This file is complete in itself: it asks the network for nothing, and its policy forbids it.`);
  }

  heading();
  facts();
  outcomes();
  charts(true);
  ringTable();
  limitTable();
  causeList();
  notDone();
  proxyTables();
  table();
  page();
  document.documentElement.dataset.ready = 'yes';
})();
