// Alipay's official SDK in certificate mode.
import { AlipaySdk } from 'alipay-sdk';
import { done, listening, scanAndPay, task } from './buyer.mjs';

const made = (app, roots) => new AlipaySdk({
  appId: task.appId, privateKey: task.privateKey, keyType: 'PKCS8', gateway: `${task.gateway}/gateway.do`,
  appCertContent: app, alipayPublicCertContent: task.alipay, alipayRootCertContent: roots,
});
const sdk = made(task.app, task.roots);
const heard = await listening(200, 'success');
const call = (method, bizContent, more = {}) => sdk.exec(method, { bizContent, ...more }, { validateSign: true });
const opened = await call('alipay.trade.precreate',
  { out_trade_no: 'cert-1', total_amount: '12.34', subject: '物业费/三月' }, { notify_url: heard.url });
await scanAndPay(opened.qrCode);
const said = Object.fromEntries(new URLSearchParams((await heard.next()).body));
const paid = await call('alipay.trade.query', { out_trade_no: 'cert-1' });
const fetched = await call('alipay.open.app.alipaycert.download', { alipay_cert_sn: sdk.config.alipayCertSn });

done({
  serials: [sdk.config.appCertSn, sdk.config.alipayRootCertSn, sdk.config.alipayCertSn],
  others: task.others.map(pem => made(pem, pem).config.appCertSn),
  roots: made(task.app, task.manyRoots).config.alipayRootCertSn,
  verified: sdk.checkNotifySignV2(said), tampered: sdk.checkNotifySignV2({ ...said, total_amount: '0.01' }),
  paid: [paid.tradeStatus, paid.totalAmount],
  fetched: Buffer.from(fetched.alipayCertContent, 'base64').toString() === task.alipay,
});
