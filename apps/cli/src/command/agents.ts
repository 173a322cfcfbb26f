/** `markco agents`: plain agents of the cloud of this machine; `add NAME`, `remove NAME`. */
import { Failure } from '@markco/protocol/failure';
import { Argument } from 'commander';
import { requireCloud } from '../cloud-here.ts';
import { colorsFor, json, localTime, printable, table } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';

export const addAgents: AddVerb = (program, cli, done) => {
  verb(program, 'agents', 'List programs that take runs from your cloud, let one in, or cut one off', [
    'markco agents              # on the machine that the cloud runs on',
    'markco agents add attic    # prints its token, once',
    'markco agents remove attic',
  ])
    .addArgument(new Argument('[action]', 'what to do').choices(['list', 'add', 'remove']).default('list'))
    .argument('[name]', 'what it is called')
    .action(async (action: 'list' | 'add' | 'remove', name: string | undefined, options: JsonOption, command) => {
      if (action !== 'list' && name === undefined)
        command.error(`error: say what it is called, as in: markco agents ${action} attic`);
      const { api, url } = await requireCloud(cli);
      const { signal } = cli;
      if (action === 'add' && name !== undefined) {
        const { token, ...agent } = await api('addAgent', { body: { name }, signal });
        if (options.json) cli.out.write(json({ ...agent, token, url }));
        else {
          cli.out.write(`${token}\n`);
          cli.err.write(
            `The token of ${printable(name)}, shown this once. Whoever runs this cloud can run code where it is used:\n  MARKCO_AGENT_TOKEN=… python3 examples/agent/agent.py ${printable(url)}\n`,
          );
        }
        return done(0);
      }
      const { agents, closed } = await api('agents', { signal });
      if (action === 'remove' && name !== undefined) {
        const agent = agents.find((each) => each.id === name || each.name.toLowerCase() === name.toLowerCase());
        if (agent === undefined)
          throw new Failure('not_found', `No plain agent is called ${name}. They are listed by: markco agents`);
        await api('removeAgent', { params: { agent: agent.id }, signal });
        cli.out.write(options.json ? json({ removed: agent.id }) : `${printable(agent.name)} is cut off.\n`);
        return done(0);
      }
      const { devices } = await api('devices', { signal });
      if (options.json) cli.out.write(json({ agents, ...(closed === undefined ? {} : { closed }) }));
      else {
        if (closed !== undefined) cli.err.write(`${closed}\n`);
        const rows = agents.map((agent) => {
          const device = devices.find(({ id }) => id === agent.id);
          const runs = device?.capability.runtimes.map(({ language }) => language).join(', ') ?? '';
          return [agent.name, device?.status ?? 'offline', runs, localTime(agent.createdAt, cli.now())];
        });
        cli.out.write(table(['AGENT', 'STATE', 'CAN RUN', 'SINCE'], rows, colorsFor(cli.out, cli.env)));
      }
      return done(0);
    });
};
