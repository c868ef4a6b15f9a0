// An OpenID Connect provider on the loopback: node provider.mjs <file of its configuration>
// The file says: port, audience, keys (private JWKs), clients ({id, secret, scope}).
import { readFileSync } from 'node:fs';
import Provider from 'oidc-provider';

const told = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const issuer = `http://127.0.0.1:${told.port}`;

const resource = {
  scope: 'read:market read:rates admin',
  audience: told.audience,
  accessTokenFormat: 'jwt',
  accessTokenTTL: 600,
  jwt: { sign: { alg: 'RS256' } },
};

const provider = new Provider(issuer, {
  jwks: { keys: told.keys },
  scopes: ['read:market', 'read:rates', 'admin'],
  clients: told.clients.map(({ id, secret, scope }) => ({
    client_id: id,
    client_secret: secret,
    scope,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
  })),
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => told.audience,
      getResourceServerInfo: () => resource,
    },
  },
});

provider.on('server_error', (_, error) => console.error(error));
provider.listen(told.port, '127.0.0.1');
