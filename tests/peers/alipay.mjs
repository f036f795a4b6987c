// Alipay's official SDK as the application.
import { AlipaySdk } from 'alipay-sdk';
import { done, listening, scanAndPay, scanAndSign, task } from './buyer.mjs';

const sdk = new AlipaySdk({
  appId: task.appId, privateKey: task.privateKey, keyType: 'PKCS8', alipayPublicKey: task.publicKey,
  gateway: `${task.gateway}/gateway.do`,
});
const heard = await listening(200, 'success');
const call = (method, bizContent, more = {}) => sdk.exec(method, { bizContent, ...more }, { validateSign: true });
const order = (number, amount) => ({ out_trade_no: number, total_amount: amount, subject: '物业费/三月' });
const precreate = (number, amount) => call('alipay.trade.precreate', order(number, amount), { notify_url: heard.url });

const opened = await precreate('sdk-1', '12.34');
const again = await precreate('sdk-1', '12.34');
const changed = await precreate('sdk-1', '12.35');
const before = await call('alipay.trade.query', { out_trade_no: 'sdk-1' });
await scanAndPay(opened.qrCode);
const { body } = await heard.next();
const said = Object.fromEntries(new URLSearchParams(body));
const verified = sdk.checkNotifySignV2(said);
const tampered = sdk.checkNotifySignV2({ ...said, total_amount: '0.01' });
const paid = await call('alipay.trade.query', { out_trade_no: 'sdk-1' });
const refund = (amount) => call('alipay.trade.refund', {
  out_trade_no: 'sdk-1', out_request_no: 'sdk-1r', refund_amount: amount, refund_reason: '重复/多缴',
});
const refunding = await refund('2.34');
const refundAgain = await refund('2.34');
const refundChanged = await refund('2.35');
const refunded = await call('alipay.trade.fastpay.refund.query', { out_trade_no: 'sdk-1', out_request_no: 'sdk-1r' });
const told = Object.fromEntries(new URLSearchParams((await heard.next()).body));
const app = sdk.sdkExecute('alipay.trade.app.pay', { bizContent: order('sdk-2', '1.00'), notify_url: heard.url });
await scanAndPay(app);
const page = sdk.pageExecute('alipay.trade.page.pay', 'GET', { bizContent: order('sdk-3', '1.00') });
const shown = await fetch(page, { redirect: 'manual' });
const closed = await call('alipay.trade.close', { out_trade_no: 'sdk-3' });
const stranger = new AlipaySdk({ ...task, privateKey: task.strangersKey, keyType: 'PKCS8', gateway: sdk.config.gateway });
const refused = await stranger.exec('alipay.trade.query', { bizContent: { out_trade_no: 'sdk-1' } });
const bill = await call('alipay.data.dataservice.bill.downloadurl.query', { bill_type: 'trade', bill_date: task.day });
await heard.next(); // of sdk-2
const named = { external_agreement_no: 'sdk_a1', personal_product_code: 'GENERAL_WITHHOLDING_P', sign_scene: task.scene };
const signing = (more) => ({ bizContent: { ...named, product_code: 'GENERAL_WITHHOLDING', ...more }, notify_url: heard.url });
const unsigned = await call('alipay.user.agreement.query', named);
await fetch(sdk.pageExecute('alipay.user.agreement.page.sign', 'GET', signing({ access_params: { channel: 'QRCODE' } })));
const scheme = sdk.sdkExecute('alipay.user.agreement.page.sign', signing({ access_params: { channel: 'ALIPAYAPP' } }));
await scanAndSign(`alipays://platformapi/startapp?appId=60000157&sign_params=${encodeURIComponent(scheme)}`);
const toldSigned = Object.fromEntries(new URLSearchParams((await heard.next()).body));
const agreed = await call('alipay.user.agreement.query', named);
const take = (number, agreementNo) => call('alipay.trade.pay', {
  ...order(number, '8.88'), product_code: 'GENERAL_WITHHOLDING', agreement_params: { agreement_no: agreementNo },
});
const taken = await take('sdk-4', agreed.agreementNo);
const takenAgain = await take('sdk-4', agreed.agreementNo);
const ended = await call('alipay.user.agreement.unsign', named, { notify_url: heard.url });
const toldEnded = Object.fromEntries(new URLSearchParams((await heard.next()).body));
const refusedToTake = await take('sdk-5', agreed.agreementNo);
const file = Buffer.from(await (await fetch(bill.billDownloadUrl)).arrayBuffer());
const water = (billKey) => call('alipay.ebpp.jfexport.instbill.query', {
  biz_type: 'JF', sub_biz_type: 'WATER', charge_inst: 'EXWATER', bill_key: billKey,
});
const [owed, unknown] = [await water('33000000010009'), await water('44000000010009')];

done({
  utility: [owed.billKey, owed.instBills.length, owed.instBills[0].billFines, unknown.subCode],
  same: again.qrCode === opened.qrCode, changed: changed.subCode, before: before.subCode, verified, tampered,
  paid: [paid.tradeStatus, paid.totalAmount], refunding: [refunding.fundChange, refundAgain.fundChange],
  refundChanged: refundChanged.subCode, refunded: [refunded.refundStatus, refunded.refundAmount],
  told: [said.trade_status, told.trade_status, told.refund_fee, sdk.checkNotifySignV2(told)],
  app: (await call('alipay.trade.query', { out_trade_no: 'sdk-2' })).tradeStatus,
  page: [shown.status, closed.code], refused: refused.subCode, bill: file.subarray(0, 2).toString('latin1'),
  agreement: [unsigned.subCode, agreed.status, agreed.agreementNo === toldSigned.agreement_no, ended.code],
  toldOfAgreement: [toldSigned, toldEnded].map((each) => [
    each.notify_type, each.status, each.external_agreement_no, sdk.checkNotifySignV2(each),
  ]),
  taken: [taken.code, taken.totalAmount, takenAgain.subCode, refusedToTake.subCode],
});
