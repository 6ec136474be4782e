// The people sign in, once for all tests: Keycloak refuses one who signs in twice at the same moment.

import { signIn } from "../support/auth.ts";
import { PEOPLE } from "../support/environment.ts";
import { cookiesOf, test as setup } from "../support/fixtures.ts";

setup.use({ as: null });

for (const person of PEOPLE) {
  setup(`${person} signs in`, async ({ page }) => {
    await signIn(page, person);
    await page.context().storageState({ path: cookiesOf(person) });
  });
}
